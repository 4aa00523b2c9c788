/**
 * An outer archive (`docker save`, an OCI archive) read once, in order, from a file or a pipe.
 *
 * Which entries matter is known only at the end, where the tables of contents often are, so each one
 * is put aside: small ones in memory up to a budget, the rest in files of ours with names of our own.
 * Names in the archive are keys to look things up by and never paths on disk (rule 1.6: CVE-2014-9358);
 * its links are followed among these keys only.
 */
import { type Extract, extract, type Header } from "tar-stream";
import { platform } from "#platform";
import { type Digest, parseDigest } from "../oci/digest.ts";
import { OciError } from "../oci/errors.ts";
import { MAX_DOCUMENT } from "../oci/json.ts";
import type { ByteStream } from "../platform/types.ts";
import { drained } from "./back-pressure.ts";
import { bytesStream } from "./blobs.ts";
import { StoreError } from "./errors.ts";
import type { SourceBlob } from "./source.ts";
import type { Staging } from "./staging.ts";

/** An entry no larger than this may stay in memory. */
const SMALL = 1024 * 1024;
/** How much may stay in memory altogether. */
const MEMORY_BUDGET = 16 * 1024 * 1024;
/** How many files an archive may have: an image of a thousand layers has some thousands. */
const MAX_FILES = 100_000;
/** How many links are followed one after the other. */
const MAX_LINKS = 40;

export interface SpooledFile extends SourceBlob {
  /** sha256 of its bytes. */
  readonly digest: Digest;
}

/** The files of an outer archive, by cleaned name. */
export class Spool {
  readonly #files = new Map<string, SpooledFile>();
  readonly #links = new Map<string, string>();

  /** How many names there are. */
  get size(): number {
    return this.#files.size + this.#links.size;
  }

  set(name: string, file: SpooledFile): void {
    this.#links.delete(name);
    this.#files.set(name, file);
  }

  setLink(name: string, target: string): void {
    this.#files.delete(name);
    this.#links.set(name, target);
  }

  /** The file of a name, through links. */
  get(name: string): SpooledFile | undefined {
    let at = cleanName(name);
    for (let i = 0; at !== undefined && i < MAX_LINKS; i++) {
      const file = this.#files.get(at);
      if (file !== undefined) return file;
      at = this.#links.get(at);
    }
    return undefined;
  }
}

/** Reads a spooled file that should be a small document. */
export async function readSpooled(file: SpooledFile, what: string): Promise<Uint8Array> {
  if (file.size > MAX_DOCUMENT) {
    throw new OciError("limit", `${what} has ${file.size} bytes, more than the ${MAX_DOCUMENT} allowed`);
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.open()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A name relative to the archive's root, or undefined for one that leads out of it. */
function cleanName(name: string): string | undefined {
  const parts: string[] = [];
  for (const part of name.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join("/");
}

function linkTarget(header: Header, name: string): string | undefined {
  const target = header.linkname;
  if (header.type === "link") return cleanName(target);
  return target.startsWith("/") ? undefined : cleanName(`${name}/../${target}`);
}

class MemoryBudget {
  left = MEMORY_BUDGET;

  take(size: number): boolean {
    if (size > SMALL || size > this.left) return false;
    this.left -= size;
    return true;
  }
}

async function putAside(
  content: ByteStream,
  size: number,
  budget: MemoryBudget,
  staging: Staging,
): Promise<SpooledFile> {
  const hasher = platform.createHash("sha256");
  const digest = () => parseDigest(`sha256:${hasher.hex()}`);
  if (budget.take(size)) {
    const bytes = new Uint8Array(size);
    let at = 0;
    for await (const chunk of content) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    hasher.update(bytes);
    return { size, digest: digest(), open: () => bytesStream(bytes) };
  }
  const file = await staging.create();
  for await (const chunk of content) {
    hasher.update(chunk);
    await file.write(chunk);
  }
  await file.close();
  return { size, digest: digest(), open: () => staging.read(file.path), owned: file.path };
}

/** Gives an archive to its reader; a source that fails fails the reader. */
async function feed(archive: ByteStream, reader: Extract): Promise<void> {
  try {
    for await (const chunk of archive) {
      if (reader.destroyed) return;
      if (reader.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))) continue;
      await drained(reader);
    }
    reader.end(undefined);
  } catch (error) {
    reader.destroy(error as Error);
  }
}

/**
 * Reads an uncompressed outer archive to its end.
 * @param what names the archive in errors
 * @param staging owns the files that are made
 * @throws StoreError (`source`) for what is no tar archive
 */
export async function spoolArchive(archive: ByteStream, what: string, staging: Staging): Promise<Spool> {
  const spool = new Spool();
  const budget = new MemoryBudget();
  const reader = extract();
  const feeding = feed(archive, reader);
  try {
    for await (const entry of reader) {
      if (spool.size >= MAX_FILES) throw new Error(`it has more than ${MAX_FILES} files`);
      const { header } = entry;
      const name = cleanName(header.name);
      if (name !== undefined && header.type === "file") {
        spool.set(name, await putAside(entry as ByteStream, header.size, budget, staging));
        continue;
      }
      const target =
        header.type === "symlink" || header.type === "link" ? linkTarget(header, name ?? "") : undefined;
      if (name !== undefined && target !== undefined) spool.setLink(name, target);
      entry.resume();
    }
    await feeding;
  } catch (cause) {
    throw new StoreError("source", `${what} cannot be read: ${(cause as Error).message}`, { cause });
  }
  return spool;
}
