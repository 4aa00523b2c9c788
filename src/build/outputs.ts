/**
 * Where the result of a build goes: the store, a registry, an archive of the image, or its files alone.
 *
 * The store has everything of the image while outputs are written, whether it is to stay there or not.
 */
import { mkdirSync } from "node:fs";
import type { Descriptor } from "../oci/descriptor.ts";
import { formatPlatform, type ImagePlatform } from "../oci/platform.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import type { ByteStream } from "../platform/types.ts";
import { copyTree } from "../runtime/copy-tree.ts";
import { hostSource } from "../runtime/host-filesystem.ts";
import { Image } from "../runtime/image.ts";
import { archiveOf } from "../runtime/mount-archive.ts";
import type { PushOptions } from "../runtime/push.ts";
import type { Store } from "../runtime/store.ts";
import { readImage } from "../store/images.ts";
import { withName } from "../store/index-file.ts";
import type { Lease } from "../store/leases.ts";
import { EMPTY_TREE } from "../tree/packed.ts";
import { createMount, type Mount } from "../union/mount.ts";
import { BuildError } from "./errors.ts";
import type { BuildLog, Work } from "./log.ts";

export type BuildOutput =
  /** The store, under the names of the build, or without a name. */
  | { readonly kind: "store" }
  /** Registries: that of each name of the build. The store has it then, too. */
  | { readonly kind: "push"; readonly options?: PushOptions }
  /** An archive that is an OCI layout and a docker-archive. */
  | { readonly kind: "oci" | "docker"; write(bytes: ByteStream): Promise<void> }
  /** An archive of the files. */
  | { readonly kind: "tar"; write(bytes: ByteStream): Promise<void> }
  /** The files, in a directory of the host. */
  | { readonly kind: "local"; readonly directory: string };

/** What was built for one platform. */
export interface BuiltImage {
  readonly image: Image;
  readonly platform: ImagePlatform;
}

export interface Built {
  /** The manifest, or the index of several. */
  readonly target: Descriptor;
  readonly images: readonly BuiltImage[];
  readonly references: readonly Reference[];
}

/** An image of the store that has perhaps no name there. */
export async function imageAt(
  store: Store,
  target: Descriptor,
  manifest: Descriptor,
  platform: ImagePlatform,
  references: readonly Reference[],
): Promise<Image> {
  const record = await readImage(store.core.blobs, manifest, platform);
  if (record === undefined) throw new BuildError("invalid", `${manifest.digest} is no image`);
  return new Image(store, record, target, references);
}

async function keep(store: Store, { target, references }: Built, work: Work): Promise<void> {
  for (const reference of references.length === 0 ? [undefined] : references) {
    await store.core.index.update((manifests) => withName(manifests, target, reference));
    if (reference !== undefined) work.note(`naming to ${formatReference(reference)} done`);
  }
}

async function push(
  store: Store,
  { images, references }: Built,
  options: PushOptions,
  work: Work,
): Promise<void> {
  if (references.length === 0) throw new BuildError("invalid", "tag is needed when pushing to registry");
  for (const reference of references) {
    const name = formatReference(reference);
    work.note(`pushing ${name}`);
    const digest = await store.push(images[0]!.image, name, options);
    work.note(`pushing ${name} with digest ${digest} done`);
  }
}

/** The files of an image, or of several in a directory for each. */
async function filesOf({ images }: Built): Promise<Mount> {
  const mounts = await Promise.all(
    images.map(async ({ image, platform }) => ({
      name: formatPlatform(platform).replaceAll("/", "_"),
      mount: createMount(await image.tree(), { readOnly: true }),
    })),
  );
  if (mounts.length === 1) return mounts[0]!.mount;
  const all = createMount(EMPTY_TREE, { clock: () => 0n });
  for (const { name, mount } of mounts) copyTree({ mount, path: "/" }, { mount: all, path: `/${name}` });
  return all;
}

/** Writes files where only root may give them away or keep what Node cannot set. */
async function writeFiles(built: Built, directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const host = createMount(EMPTY_TREE);
  host.mkdir("/to");
  host.attach("/to", hostSource(directory));
  const { getuid = () => 0, getgid = () => 0 } = process;
  const uid = getuid();
  copyTree(
    { mount: await filesOf(built), path: "/" },
    { mount: host, path: "/to" },
    { contentsOnly: true, withoutXattrs: true, ...(uid === 0 ? {} : { owner: { uid, gid: getgid() } }) },
  );
}

const TITLES = {
  store: "exporting to image",
  push: "exporting to registry",
  oci: "exporting to oci image format",
  docker: "exporting to docker image format",
  tar: "exporting to client tarball",
  local: "exporting to client directory",
} as const;

/** Writes one output. @param lease holds all of what was built */
export async function writeOutput(
  store: Store,
  built: Built,
  output: BuildOutput,
  lease: Lease,
  log: BuildLog,
): Promise<void> {
  await log.during(TITLES[output.kind], async (work) => {
    const { target, images, references } = built;
    const isImage = output.kind !== "tar" && output.kind !== "local";
    if (isImage) {
      for (const { image } of images) {
        work.note(`exporting manifest ${image.descriptor.digest} done`);
        work.note(`exporting config ${image.id} done`);
      }
      if (images.length > 1) work.note(`exporting manifest list ${target.digest} done`);
    }
    switch (output.kind) {
      case "store":
        return await keep(store, built, work);
      case "push":
        await keep(store, built, work);
        return await push(store, built, output.options ?? {}, work);
      case "oci":
      case "docker": {
        const saved = { descriptor: target, image: images[0]!.image.record, references };
        const { saveImages } = await import("../store/save.ts");
        await output.write(saveImages(store.core.blobs, [saved], lease));
        return work.note("sending tarball done");
      }
      case "tar":
        await output.write(archiveOf(await filesOf(built), "/", "").stream());
        return work.note("sending tarball done");
      case "local":
        await writeFiles(built, output.directory);
        return work.note("copying files done");
    }
  });
}
