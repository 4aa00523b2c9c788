/**
 * What `strata build` reads: its context and its Dockerfile, either of them perhaps on standard input.
 */
import { type FileView, ignoring } from "../build/context/view.ts";
import type { Patterns } from "../build/files/patterns.ts";
import { contextOfStream, findDockerfile, ignoredOf, openContext } from "../build/open-context.ts";
import type { ByteStream } from "../platform/types.ts";
import type { StoreFiles } from "../store/files.ts";
import { BLOCK, hasValidChecksum } from "../tar/header.ts";
import type { Context } from "./context.ts";
import { Failure } from "./failure.ts";

export interface BuildInput {
  readonly dockerfile: Uint8Array;
  /** What messages call it. */
  readonly file: string;
  readonly context: FileView;
  readonly ignore: Patterns;
  close(): void;
}

const MAGICS = [
  [0x1f, 0x8b],
  [0x28, 0xb5, 0x2f, 0xfd],
];

function isArchive(head: Uint8Array): boolean {
  if (MAGICS.some((magic) => magic.every((byte, i) => head[i] === byte))) return true;
  return head.length >= BLOCK && hasValidChecksum(head.subarray(0, BLOCK), 0);
}

async function readAll(stream: ByteStream): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The first block of a stream, and the whole of it again. */
async function peek(stream: ByteStream): Promise<{ head: Uint8Array; all: ByteStream }> {
  const iterator = stream[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    chunks.push(next.value);
    size += next.value.length;
    if (size >= BLOCK) break;
  }
  const all = async function* () {
    yield* chunks;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  };
  return { head: Buffer.concat(chunks), all: all() as unknown as ByteStream };
}

const REMOTE = /^(https?:\/\/|git:\/\/|git@|ssh:\/\/|github\.com\/)/;

/**
 * Opens what the argument and `-f` say.
 * @param path the context: a directory, an archive, or `-`
 * @param file the Dockerfile, where it is not the context's own; `-` for standard input
 */
export async function openInput(
  { input: stdin }: Context,
  path: string,
  file: string | undefined,
  files: StoreFiles,
): Promise<BuildInput> {
  if (path === "-" && file === "-") {
    throw new Failure("ERROR: invalid argument: can't use stdin for both build context and dockerfile");
  }
  if (REMOTE.test(path)) {
    throw new Failure(
      `ERROR: unable to prepare context: ${path} is remote; fetch it first, and give its directory or archive`,
    );
  }
  if (path === "-") {
    const { head, all } = await peek(stdin);
    if (!isArchive(head)) return await withoutContext(all, files);
    const context = await contextOfStream(all, "the archive on standard input", files);
    return input(context, findDockerfile(context, file));
  }
  const context = await openContext(path, files);
  if (file !== "-") return input(context, findDockerfile(context, file));
  return { ...input(context, undefined), dockerfile: await readAll(stdin) };
}

async function withoutContext(dockerfile: ByteStream, files: StoreFiles): Promise<BuildInput> {
  const empty = async function* () {
    yield new Uint8Array(2 * BLOCK);
  };
  const content = await readAll(dockerfile);
  if (content.length === 0) throw new Failure("ERROR: failed to solve: the Dockerfile cannot be empty");
  const context = await contextOfStream(empty(), "no context", files);
  return { ...input(context, undefined), dockerfile: content };
}

function input(
  context: Awaited<ReturnType<typeof openContext>>,
  found: ReturnType<typeof findDockerfile> | undefined,
): BuildInput {
  const ignore = ignoredOf(context, found);
  return {
    dockerfile: found?.content ?? new Uint8Array(),
    file: found?.name ?? "Dockerfile",
    context: ignoring(context.files, ignore),
    ignore,
    close: () => context.close(),
  };
}
