/**
 * One pass over a layer as stored: decompressed, hashed on both sides, parsed.
 */
import { platform } from "#platform";
import { MemoryAccess } from "../platform/memory.ts";
import { decompress } from "../tar/decompress.ts";
import type { Entry } from "../tar/entry.ts";
import { TarReader } from "../tar/reader.ts";
import type { Layer } from "./layer.ts";

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

/**
 * A layer from an archive in memory, plain or compressed.
 * @throws ArchiveError
 */
export async function layerFromBytes(bytes: Uint8Array): Promise<Layer> {
  const { stream } = await decompress(once(bytes));
  const hash = platform.createHash("sha256");
  const entries: Entry[] = [];
  const reader = new TarReader((entry) => entries.push(entry));
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    hash.update(chunk);
    reader.push(chunk);
    chunks.push(chunk.slice());
    size += chunk.length;
  }
  reader.end();
  const archive = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    archive.set(chunk, at);
    at += chunk.length;
  }
  return { diffID: `sha256:${hash.hex()}`, archive: new MemoryAccess(archive), entries: () => entries };
}
