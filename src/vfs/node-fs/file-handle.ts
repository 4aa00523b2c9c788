/**
 * `FileHandle` of `fs.promises`: a descriptor with an owner.
 *
 * Streams made from a handle hold a reference to it; `close` waits until they have given it back, and
 * tells them by the `close` event. A handle that nobody closes keeps its file open: nothing is collected.
 */

import { createInterface, EventEmitter, type Interface } from "../../platform/node-builtins.ts";
import * as take from "./arguments.ts";
import { codedError } from "./errors.ts";
import { handleReadArguments, writeArguments } from "./transfer.ts";
import { isChunks, throwIfAborted, writeChunks } from "./whole-file.ts";

/** The promise forms of what a handle does. */
export type HandleFunctions = { readonly [name in HandleFunction]: (...args: unknown[]) => Promise<unknown> };
type HandleFunction =
  | "close"
  | "fchmod"
  | "fchown"
  | "fdatasync"
  | "fstat"
  | "fsync"
  | "ftruncate"
  | "futimes"
  | "read"
  | "readFile"
  | "readv"
  | "write"
  | "writeFile"
  | "writev";

export interface HandleStreams {
  createReadStream(path: unknown, options?: object): NodeJS.ReadableStream;
  createWriteStream(path: unknown, options?: object): NodeJS.WritableStream;
}

/** How much a web stream takes at once. */
const CHUNK = 16 * 1024;

export class FileHandle extends EventEmitter {
  readonly #functions: HandleFunctions;
  readonly #streams: HandleStreams;
  #fd: number;
  #references = 1;
  #closing: { promise: Promise<void>; finish: () => void } | undefined;
  #webStream = false;

  constructor(fd: number, functions: HandleFunctions, streams: HandleStreams) {
    super();
    this.#fd = fd;
    this.#functions = functions;
    this.#streams = streams;
  }

  /** -1 once it is closed. */
  get fd(): number {
    return this.#fd;
  }

  getAsyncId(): number {
    return this.#fd;
  }

  /** @internal A stream begins to use it. */
  retain(): void {
    this.#references += 1;
  }

  /** @internal The counterpart of `retain`. */
  release(): void {
    this.#references -= 1;
    if (this.#references === 0) this.#closing?.finish();
  }

  close(): Promise<void> {
    if (this.#fd === -1) return Promise.resolve();
    if (this.#closing !== undefined) return this.#closing.promise;
    let finish = (): void => {};
    const idle = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const promise = idle.then(() => {
      const fd = this.#fd;
      this.#fd = -1;
      return this.#functions.close(fd) as Promise<void>;
    });
    this.#closing = { promise, finish };
    this.release();
    this.emit("close");
    return promise;
  }

  async #call<T>(name: HandleFunction, ...args: unknown[]): Promise<T> {
    return (await this.#functions[name](this.#opened(name), ...args)) as T;
  }

  /** @throws as Node does, with the name of what was asked for */
  #opened(name: string): number {
    if (this.#fd !== -1) return this.#fd;
    throw Object.assign(codedError("EBADF", "file closed"), { syscall: name });
  }

  async read(...args: unknown[]) {
    this.#opened("read");
    const { buffer, target, offset, length, position } = handleReadArguments(args);
    if (length === 0) return { bytesRead: 0, buffer };
    const bytesRead = await this.#call<number>("read", target, offset, length, position);
    return { bytesRead, buffer };
  }

  async write(...args: unknown[]) {
    this.#opened("write");
    const { buffer, source, offset, length, position } = writeArguments(args);
    // An empty string is written all the same, and finds out whether that may be.
    if (source.length === 0 && typeof buffer !== "string") return { bytesWritten: 0, buffer };
    const bytesWritten = await this.#call<number>("write", source, offset, length, position);
    return { bytesWritten, buffer };
  }

  async readv(buffers: unknown, position?: unknown) {
    return { bytesRead: await this.#call<number>("readv", buffers, position), buffers };
  }

  async writev(buffers: unknown, position?: unknown) {
    return { bytesWritten: await this.#call<number>("writev", buffers, position), buffers };
  }

  stat(options?: unknown): Promise<unknown> {
    return this.#call("fstat", options);
  }

  chmod(mode: unknown): Promise<void> {
    return this.#call("fchmod", mode);
  }

  chown(uid: unknown, gid: unknown): Promise<void> {
    return this.#call("fchown", uid, gid);
  }

  utimes(atime: unknown, mtime: unknown): Promise<void> {
    return this.#call("futimes", atime, mtime);
  }

  truncate(length: unknown = 0): Promise<void> {
    return this.#call("ftruncate", length);
  }

  sync(): Promise<void> {
    return this.#call("fsync");
  }

  datasync(): Promise<void> {
    return this.#call("fdatasync");
  }

  async readFile(options?: unknown): Promise<unknown> {
    this.#opened("readFile");
    throwIfAborted(take.encodingOptions(options).signal);
    return this.#call("readFile", options);
  }

  async writeFile(data: unknown, options?: unknown): Promise<void> {
    await this.#writeWhole(data, options);
  }

  /** Writes where the descriptor stands, as Node does with a handle. */
  async appendFile(data: unknown, options?: unknown): Promise<void> {
    await this.#writeWhole(data, options);
  }

  async #writeWhole(data: unknown, options: unknown): Promise<void> {
    this.#opened("writeFile");
    const given = take.encodingOptions(options);
    if (isChunks(data)) {
      await writeChunks(data, given, (...part) => this.#call<number>("write", ...part));
      return;
    }
    throwIfAborted(given.signal);
    await this.#call("writeFile", data, options);
  }

  createReadStream(options?: object): NodeJS.ReadableStream {
    return this.#streams.createReadStream("", { ...options, fd: this });
  }

  createWriteStream(options?: object): NodeJS.WritableStream {
    return this.#streams.createWriteStream("", { ...options, fd: this });
  }

  readLines(options?: object): Interface {
    return createInterface({
      input: this.createReadStream(options),
      crlfDelay: Number.POSITIVE_INFINITY,
    });
  }

  /** Bytes from where the descriptor stands; once for each handle. `autoClose` closes it at the end. */
  readableWebStream(options?: unknown): ReadableStream {
    const autoClose = take.optionalBoolean(take.objectOptions(options), "autoClose", false);
    if (this.#fd === -1 || this.#closing !== undefined || this.#webStream) {
      const state = this.#webStream ? "locked" : this.#fd === -1 ? "closed" : "closing";
      throw codedError("ERR_INVALID_STATE", `Invalid state: The FileHandle is ${state}`);
    }
    this.#webStream = true;
    this.retain();
    const done = async () => {
      this.release();
      if (autoClose) await this.close();
    };
    return new ReadableStream({
      type: "bytes",
      autoAllocateChunkSize: CHUNK,
      pull: async (controller) => {
        const request = controller.byobRequest;
        const view = request?.view;
        if (request === null || view === null || view === undefined) return;
        const bytesRead = await this.#call<number>("read", view, 0, view.byteLength, null);
        if (bytesRead === 0) {
          controller.close();
          request.respond(0);
          await done();
        } else {
          request.respond(bytesRead);
        }
      },
      cancel: done,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
