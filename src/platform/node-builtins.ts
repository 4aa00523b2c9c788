/**
 * What the signatures of `node:fs` are made of: buffers, streams, emitters, file URLs, readline.
 *
 * The `node:fs` face of a mount hands these out, so on Node it needs Node itself and not a stand-in: a
 * stream that it returns must be an instance of Node's `Readable`. It is the one module below `store` with
 * such a need; nothing of the engine loads it. The package's `browser` field puts `browser-builtins.ts`
 * in its place, which exports the same names.
 */
import type * as fs from "node:fs";

export { Blob, Buffer } from "node:buffer";
export { EventEmitter } from "node:events";
export { type Dirent, ReadStream, WriteStream } from "node:fs";
export { posix } from "node:path";
export { createInterface, type Interface } from "node:readline";
export { clearTimeout, setImmediate, setTimeout } from "node:timers";
export { fileURLToPath } from "node:url";
export { inspect, promisify } from "node:util";

/** The type of `node:fs` itself. */
export type NodeFsModule = typeof fs;
