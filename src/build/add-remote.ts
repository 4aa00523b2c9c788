/**
 * What ADD fetches from elsewhere (5.3): a file over HTTP, 0600, with the time that the server gives it.
 */
import { createHash } from "node:crypto";
import { digestAlgorithm, parseDigest } from "../oci/digest.ts";
import { fromSeconds } from "../posix/time.ts";
import type { StoreFiles } from "../store/files.ts";
import { type Content, EMPTY_CONTENT, SliceContent } from "../tree/content.ts";
import type { Inode } from "../tree/inode.ts";
import { BuildError } from "./errors.ts";

const REMOTE_MODE = 0o600;

export interface RemoteFile {
  readonly inode: Inode;
  /** The last component of the address's path, for a destination that is a directory. */
  readonly name: string;
  /** sha256 of the bytes, in hex. */
  readonly digest: string;
  close(): void;
}

export function isRemote(source: string): boolean {
  return /^https?:\/\//i.test(source);
}

/** Whether a source names a git repository, which this builder does not fetch. */
export function isGit(source: string): boolean {
  return /^(git@|git:\/\/|ssh:\/\/)/.test(source) || /^https?:\/\/.*\.git(#.*)?$/.test(source);
}

function nameOf(url: URL): string {
  return decodeURIComponent(url.pathname.slice(url.pathname.lastIndexOf("/") + 1));
}

async function fetchOk(source: string, signal: AbortSignal | undefined): Promise<Response> {
  let response: Response;
  try {
    // What a server compresses on the way is not what it has.
    const headers = { "accept-encoding": "identity" };
    response = await fetch(source, signal === undefined ? { headers } : { headers, signal });
  } catch (cause) {
    const reason =
      cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
    throw new BuildError("source", `cannot fetch ${source}: ${reason}`, { cause });
  }
  if (response.ok) return response;
  throw new BuildError("source", `cannot fetch ${source}: the server says ${response.status}`);
}

/**
 * Fetches a file.
 * @param checksum what `--checksum` asks of its bytes
 * @throws BuildError (`source`)
 */
export async function fetchRemote(
  source: string,
  checksum: string | undefined,
  files: StoreFiles,
  signal: AbortSignal | undefined,
): Promise<RemoteFile> {
  const response = await fetchOk(source, signal);
  const wanted = checksum === undefined ? undefined : parseDigest(checksum);
  const hash = createHash("sha256");
  const proof = createHash(wanted === undefined ? "sha256" : digestAlgorithm(wanted));
  const aside = await files.create();
  try {
    let size = 0;
    for await (const chunk of response.body ?? []) {
      const bytes = chunk as Uint8Array;
      hash.update(bytes);
      proof.update(bytes);
      size += bytes.length;
      await aside.write(bytes);
    }
    await aside.close();
    const proved = proof.digest("hex");
    if (wanted !== undefined && `${digestAlgorithm(wanted)}:${proved}` !== wanted) {
      throw new BuildError("source", `digest mismatch for ${source}: it is sha256:${proved}, not ${wanted}`);
    }
    const access = size === 0 ? undefined : files.open(aside.path);
    const content: Content = access === undefined ? EMPTY_CONTENT : new SliceContent(access, 0, size);
    const modified = Date.parse(response.headers.get("last-modified") ?? "");
    // The epoch where the server tells none, as BuildKit has it: the same file is the same step again.
    const mtime = Number.isNaN(modified) ? 0n : fromSeconds(Math.floor(modified / 1000));
    return {
      inode: { kind: "file", mode: REMOTE_MODE, uid: 0, gid: 0, mtime, xattrs: new Map(), content },
      name: nameOf(new URL(response.url || source)) || nameOf(new URL(source)),
      digest: hash.digest("hex"),
      close: () => access?.close(),
    };
  } finally {
    await aside.close().catch(() => {});
    await files.drop(aside.path);
  }
}
