/**
 * `fs.ReadStream` and `fs.WriteStream`: Node's own, which take the functions they call as an option.
 * So buffering, `start` and `end`, `highWaterMark`, abort signals, `bytesRead`, `pending` and every
 * event are Node's to the letter; only what lies under them is the mount.
 */
import {
  ReadStream as NodeReadStream,
  WriteStream as NodeWriteStream,
} from "../../platform/node-builtins.ts";
import * as take from "./arguments.ts";
import { FileHandle } from "./file-handle.ts";
import type { Call, Callback } from "./forms.ts";

/** What Node's streams call. */
export interface StreamFunctions {
  readonly open: Call;
  readonly close: Call;
  readonly read: Call;
  readonly write: Call;
  readonly writev: Call;
  readonly fsync: Call;
}

type Stream = NodeReadStream | NodeWriteStream;
type StreamClass<T extends Stream> = new (path: unknown, options?: object) => T;

function streamOptions(value: unknown): take.Options {
  return typeof value === "string" ? { encoding: value } : ((value ?? {}) as take.Options);
}

/** A handle is kept open by its streams; each gives it back when it closes. */
function handleFunctions(handle: FileHandle, functions: StreamFunctions): StreamFunctions {
  const close = (_fd: unknown, callback: unknown) => {
    handle.release();
    handle.close().then(
      () => (callback as Callback)(null),
      (error) => (callback as Callback)(error),
    );
  };
  return { ...functions, close };
}

/** A stream class over the functions of a mount. Like Node's, it may be called without `new`. */
function overFunctions<T extends Stream>(base: StreamClass<T>, functions: StreamFunctions): StreamClass<T> {
  const make = (path: unknown, value: unknown, prototype: object): T => {
    const options = streamOptions(value);
    const { fd, fs = functions } = options;
    if (!(fd instanceof FileHandle)) {
      return Reflect.construct(base, [path, { ...options, fs }], prototype as new () => T);
    }
    handleIsOpen(fd);
    const settings = { ...options, fd: fd.fd, fs: handleFunctions(fd, functions) };
    const stream: T = Reflect.construct(base, [path, settings], prototype as new () => T);
    fd.retain();
    fd.on("close", () => (stream as NodeReadStream).close());
    return stream;
  };
  // A class of its own, so that what is assigned to its prototype stays out of Node's.
  const own = class extends (base as unknown as StreamClass<NodeReadStream>) {};
  Object.defineProperty(own, "name", { value: base.name });
  return new Proxy(own as unknown as StreamClass<T>, {
    construct: (_target, [path, options], newTarget) => make(path, options, newTarget),
    apply: (target, _self, [path, options]) => make(path, options, target),
  });
}

function handleIsOpen(handle: FileHandle): void {
  take.descriptor(handle.fd);
}

export function streamFunctions(functions: StreamFunctions) {
  const ReadStream = overFunctions(NodeReadStream as unknown as StreamClass<NodeReadStream>, functions);
  const WriteStream = overFunctions(NodeWriteStream as unknown as StreamClass<NodeWriteStream>, functions);
  return {
    ReadStream,
    WriteStream,
    FileReadStream: ReadStream,
    FileWriteStream: WriteStream,
    createReadStream: (path: unknown, options?: object) => new ReadStream(path, options),
    createWriteStream: (path: unknown, options?: object) => new WriteStream(path, options),
  };
}
