/**
 * A build's context as a user names it: a directory, or an archive by path or on a stream; with it the
 * Dockerfile and the patterns of what is ignored. Both are read from all of the context: what is ignored
 * hides them from COPY alone.
 */
import { readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { ByteStream } from "../platform/types.ts";
import { fileStream } from "../store/disk-files.ts";
import { isMissing } from "../store/errors.ts";
import type { StoreFiles } from "../store/files.ts";
import { readChunks } from "../tree/content.ts";
import { archiveContext } from "./context/archive.ts";
import { directoryContext } from "./context/directory.ts";
import { ContextError } from "./context/errors.ts";
import { type FileView, resolvePath } from "./context/view.ts";
import { ignoreFileNames, parseDockerignore } from "./files/dockerignore.ts";
import { absolutePath } from "./files/path.ts";
import { Patterns } from "./files/patterns.ts";

export interface OpenContext {
  /** Everything in it. */
  readonly files: FileView;
  /** Absolute path of a directory; undefined for an archive. */
  readonly directory: string | undefined;
  close(): void;
}

const CHUNK = 256 * 1024;

/** Reads an archive as a context. Its uncompressed bytes are kept aside while it is open. */
export async function contextOfStream(
  bytes: ByteStream,
  what: string,
  files: StoreFiles,
): Promise<OpenContext> {
  const aside = await files.create();
  try {
    const storage = {
      write: (chunk: Uint8Array) => aside.write(chunk),
      async open() {
        await aside.close();
        // The file stays readable while it is open.
        return files.open(aside.path);
      },
    };
    const context = await archiveContext(bytes, storage, what);
    return { files: context, directory: undefined, close: () => context.close() };
  } finally {
    await aside.close().catch(() => {});
    await files.drop(aside.path);
  }
}

/**
 * Opens a directory or an archive.
 * @throws ContextError
 */
export async function openContext(path: string, files: StoreFiles): Promise<OpenContext> {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) {
    throw new ContextError(`unable to prepare context: path ${JSON.stringify(path)} not found`);
  }
  if (!stats.isDirectory()) return await contextOfStream(fileStream(path), path, files);
  const context = directoryContext(path);
  return { files: context, directory: path, close: () => context.close() };
}

/** The bytes of a file of a context, links followed; undefined where there is none. */
function fileOf(view: FileView, name: string): Uint8Array | undefined {
  const path = resolvePath(view, absolutePath(name), true);
  const inode = path === undefined ? undefined : view.entry(path)?.inode;
  if (inode?.kind !== "file") return undefined;
  return Buffer.concat([...readChunks(inode.content, CHUNK)].map((chunk) => Uint8Array.from(chunk)));
}

/** The bytes of a file of the host; undefined where there is none. */
function hostFile(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export interface FoundDockerfile {
  readonly content: Uint8Array;
  /** What it is called, without folders. */
  readonly name: string;
  /** What lies beside it. */
  beside(name: string): Uint8Array | undefined;
}

/**
 * Finds the Dockerfile.
 * @param asked its path: on the host where the context is a directory, else in the archive
 * @throws ContextError
 */
export function findDockerfile(context: OpenContext, asked: string | undefined): FoundDockerfile {
  const { files, directory } = context;
  for (const name of asked === undefined ? ["Dockerfile", "dockerfile"] : [asked]) {
    const inside = asked === undefined || directory === undefined;
    const read = (path: string) => (inside ? fileOf(files, path) : hostFile(path));
    const content = read(name);
    if (content === undefined) continue;
    return {
      content,
      name: basename(name),
      beside: (other) => read(join(dirname(name), other)),
    };
  }
  const name = asked ?? "Dockerfile";
  throw new ContextError(`failed to read dockerfile: open ${name}: no such file or directory`);
}

/**
 * What of a context is ignored (5.4): a file beside the Dockerfile that is called after it wins over the
 * context's own.
 * @throws IgnoreFileError
 */
export function ignoredOf(context: OpenContext, dockerfile: FoundDockerfile | undefined): Patterns {
  const [own, shared] = ignoreFileNames(dockerfile?.name ?? "Dockerfile");
  const beside = dockerfile?.beside(own);
  if (beside !== undefined) return parseDockerignore(beside, own);
  const content = fileOf(context.files, shared);
  return content === undefined ? Patterns.parse([]) : parseDockerignore(content, shared);
}
