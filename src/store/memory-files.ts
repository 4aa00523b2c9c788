/**
 * A store's files in memory (`files.ts`), for as long as the store is open.
 */
import { OciError } from "../oci/errors.ts";
import { MemoryAccess } from "../platform/memory.ts";
import type { ByteStream } from "../platform/types.ts";
import type { FileFacts, StoreFiles } from "./files.ts";

interface MemoryFile {
  readonly bytes: Uint8Array;
  readonly modified: number;
}

function missing(path: string): Error {
  return Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), {
    code: "ENOENT",
    syscall: "open",
    path,
  });
}

async function* streamOf(file: () => MemoryFile): ByteStream {
  yield file().bytes;
}

/** @param temporary where files aside have their names */
export function memoryFiles(temporary: string): StoreFiles {
  const files = new Map<string, MemoryFile>();
  let made = 0;
  const get = (path: string): MemoryFile => {
    const file = files.get(path);
    if (file === undefined) throw missing(path);
    return file;
  };
  const put = (path: string, bytes: Uint8Array, modified = Date.now()) => {
    files.set(path, { bytes, modified });
  };
  const factsNow = (path: string): FileFacts | undefined => {
    const file = files.get(path);
    return file && { size: file.bytes.length, modified: file.modified };
  };
  return {
    facts: async (path) => factsNow(path),
    async read(path, limit, what) {
      const bytes = files.get(path)?.bytes;
      if (bytes !== undefined && bytes.length > limit)
        throw new OciError("limit", `${what} has ${bytes.length} bytes, more than the ${limit} allowed`);
      return bytes;
    },
    stream: (path) => streamOf(() => get(path)),
    open: (path) => new MemoryAccess(get(path).bytes),
    async create() {
      const path = `${temporary}/${made++}`;
      const chunks: Uint8Array[] = [];
      let modified: number | undefined;
      return {
        path,
        // The writer may use its buffer again.
        write: async (bytes) => void chunks.push(Uint8Array.from(bytes)),
        stamp: async () => void (modified = 0),
        close: async () => put(path, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks), modified),
      };
    },
    async publish(moves, moved) {
      for (const move of moves) {
        files.set(move.to, get(move.from));
        files.delete(move.from);
        moved(move);
      }
    },
    async drop(path) {
      files.delete(path);
    },
    readNow: (path) => files.get(path)?.bytes,
    factsNow,
    replaceNow: put,
    touchNow(path) {
      const file = files.get(path);
      if (file !== undefined) files.set(path, { ...file, modified: Date.now() });
    },
    listNow(directory) {
      const inside = [...files.keys()].filter((path) => path.startsWith(`${directory}/`));
      return [...new Set(inside.map((path) => path.slice(directory.length + 1).split("/", 1)[0]!))];
    },
    makeDirectoryNow() {},
    removeNow(path) {
      for (const name of files.keys()) {
        if (name === path || name.startsWith(`${path}/`)) files.delete(name);
      }
    },
  };
}
