/**
 * Archives that ADD unpacks (5.3): tar, plain or compressed with gzip, zstd, bzip2 or xz, told by content and
 * never by name. Owners are those of the archive.
 */
import { Readable } from "node:stream";
import type { ByteStream } from "../platform/types.ts";
import type { StoreFiles } from "../store/files.ts";
import { decompress } from "../tar/decompress.ts";
import { BLOCK, hasValidChecksum } from "../tar/header.ts";
import { type Content, readChunks } from "../tree/content.ts";
import { type ArchiveContext, archiveContext } from "./context/archive.ts";

const CHUNK = 256 * 1024;

const MAGICS = {
  bzip2: [0x42, 0x5a, 0x68],
  xz: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
  gzip: [0x1f, 0x8b],
  zstd: [0x28, 0xb5, 0x2f, 0xfd],
} as const;

type Packing = keyof typeof MAGICS;

function packingOf(head: Uint8Array): Packing | undefined {
  const names = Object.keys(MAGICS) as Packing[];
  return names.find((name) => MAGICS[name].every((byte, i) => head[i] === byte));
}

async function* bytesOf(content: Content): ByteStream {
  for (const chunk of readChunks(content, CHUNK)) yield chunk.slice();
}

/** The decoder takes and gives its bytes in events, all of them during `write` and `end`. */
async function* unbzip2(packed: ByteStream): ByteStream {
  const { default: decoder } = await import("unbzip2-stream");
  const stream = decoder();
  let failure: Error | undefined;
  const ready: Uint8Array[] = [];
  stream.on("data", (chunk: Uint8Array) => ready.push(chunk));
  stream.on("error", (error: Error) => (failure ??= error));
  for await (const chunk of packed) {
    stream.write(chunk);
    if (failure !== undefined) throw failure;
    yield* ready.splice(0);
  }
  stream.end();
  if (failure !== undefined) throw failure;
  yield* ready.splice(0);
}

/** The bytes of a content, unpacked. Each call reads it anew. */
async function unpacked(content: Content, packing: Packing | undefined): Promise<ByteStream> {
  const packed = bytesOf(content);
  if (packing === "bzip2") return unbzip2(packed);
  if (packing === "xz") {
    const { XzReadableStream } = await import("xz-decompress");
    const stream = new XzReadableStream(Readable.toWeb(Readable.from(packed)) as ReadableStream<Uint8Array>);
    return stream as unknown as ByteStream;
  }
  return packing === undefined ? packed : (await decompress(packed)).stream;
}

/** The first block of a stream, which is then left. */
async function firstBlock(stream: ByteStream): Promise<Uint8Array> {
  const block = new Uint8Array(BLOCK);
  let size = 0;
  for await (const chunk of stream) {
    block.set(chunk.subarray(0, BLOCK - size), size);
    size += Math.min(chunk.length, BLOCK - size);
    if (size === BLOCK) break;
  }
  return block.subarray(0, size);
}

async function isArchive(content: Content, packing: Packing | undefined): Promise<boolean> {
  if (content.size === 0) return false;
  try {
    const block = await firstBlock(await unpacked(content, packing));
    return block.length === BLOCK && hasValidChecksum(block, 0);
  } catch {
    // What only looks compressed is a file like any other.
    return false;
  }
}

/**
 * The files of an archive; undefined where a file is none.
 * @param name what messages call it
 * @throws ContextError for an archive that is damaged
 */
export async function openArchive(
  content: Content,
  name: string,
  files: StoreFiles,
): Promise<ArchiveContext | undefined> {
  const head = new Uint8Array(Math.min(BLOCK, content.size));
  content.read(head, 0, head.length, 0);
  const packing = packingOf(head);
  if (!(await isArchive(content, packing))) return undefined;
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
    return await archiveContext(await unpacked(content, packing), storage, name, { keepOwners: true });
  } finally {
    await aside.close().catch(() => {});
    await files.drop(aside.path);
  }
}
