/**
 * Small images made to measure: layers from lists of files, layouts and archives around them.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Header, pack } from "tar-stream";
import type { Descriptor } from "../../src/oci/descriptor.ts";
import { type Digest, digestHex, digestOf } from "../../src/oci/digest.ts";
import { OCI_CONFIG, OCI_LAYER, OCI_LAYER_GZIP, OCI_MANIFEST } from "../../src/oci/media-types.ts";

export type Files = Readonly<Record<string, string | Uint8Array>>;

const text = (value: string | Uint8Array) =>
  typeof value === "string" ? Buffer.from(value) : Buffer.from(value);

/** A tar archive of some headers with their content. */
export async function tarOf(
  entries: readonly (Partial<Header> & { name: string; content?: string | Uint8Array })[],
) {
  const archive = pack();
  for (const { content, ...header } of entries) {
    archive.entry({ mtime: new Date(0), ...header }, text(content ?? ""));
  }
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

/** A tar archive of files. */
export async function tarOfFiles(files: Files) {
  return await tarOf(Object.entries(files).map(([name, content]) => ({ name, content })));
}

export interface MadeImage {
  readonly id: Digest;
  readonly descriptor: Descriptor;
  readonly blobs: ReadonlyMap<Digest, Uint8Array>;
  readonly layers: readonly Descriptor[];
  readonly archives: readonly Uint8Array[];
  readonly config: Uint8Array;
}

export interface ImageOptions {
  /** Members of the config beside `rootfs`. */
  readonly config?: object;
  readonly compressed?: boolean;
  /** Uncompressed archives instead of lists of files. */
  readonly archives?: readonly Uint8Array[];
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

/** An image with one layer for each list of files. */
export async function makeImage(layers: readonly Files[], options: ImageOptions = {}): Promise<MadeImage> {
  const blobs = new Map<Digest, Uint8Array>();
  const add = (mediaType: string, bytes: Uint8Array): Descriptor => {
    const digest = digestOf(bytes);
    blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const archives = options.archives ?? (await Promise.all(layers.map(tarOfFiles)));
  const descriptors = archives.map((archive) =>
    options.compressed === false ? add(OCI_LAYER, archive) : add(OCI_LAYER_GZIP, gzipSync(archive)),
  );
  const config = json({
    architecture: "amd64",
    os: "linux",
    ...options.config,
    rootfs: { type: "layers", diff_ids: archives.map((archive) => digestOf(archive)) },
  });
  const configDescriptor = add(OCI_CONFIG, config);
  const manifest = json({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: configDescriptor,
    layers: descriptors,
  });
  const descriptor = add(OCI_MANIFEST, manifest);
  return { id: configDescriptor.digest, descriptor, blobs, layers: descriptors, archives, config };
}

/** Writes an OCI image layout. */
export function writeLayout(
  directory: string,
  entries: readonly Descriptor[],
  blobs: Iterable<readonly [Digest, Uint8Array]>,
): string {
  mkdirSync(join(directory, "blobs/sha256"), { recursive: true });
  for (const [digest, bytes] of blobs)
    writeFileSync(join(directory, "blobs/sha256", digestHex(digest)), bytes);
  writeFileSync(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(directory, "index.json"), json({ schemaVersion: 2, manifests: entries }));
  return directory;
}

/** A descriptor as `index.json` names it. */
export function named(
  descriptor: Descriptor,
  name: string | undefined,
  key = "org.opencontainers.image.ref.name",
) {
  return name === undefined ? descriptor : { ...descriptor, annotations: { [key]: name } };
}

/** A layout of one image under one name. */
export function layoutOf(directory: string, image: MadeImage, name?: string): string {
  return writeLayout(directory, [named(image.descriptor, name)], image.blobs);
}
