/**
 * What `node-builtins.ts` has, where there is no Node: the package maps that module to this one for a
 * browser bundle (its `browser` field).
 *
 * Enough for every function of the `node:fs` face that has no stream in its signature: `Buffer` is a
 * `Uint8Array` with Node's encodings and none of its other methods. What needs Node's streams
 * (`createReadStream`, `createWriteStream`, a handle's streams and lines) is refused with
 * `ERR_FEATURE_UNAVAILABLE_ON_PLATFORM`.
 */
import { normalizePath } from "./browser-paths.ts";

export { posix } from "./browser-paths.ts";

const { Blob } = globalThis;

export { Blob };

type Encoding = "utf8" | "latin1" | "ascii" | "hex" | "base64" | "base64url" | "utf16le";

const ENCODINGS: Readonly<Record<string, Encoding>> = {
  utf8: "utf8",
  "utf-8": "utf8",
  latin1: "latin1",
  binary: "latin1",
  ascii: "ascii",
  hex: "hex",
  base64: "base64",
  base64url: "base64url",
  utf16le: "utf16le",
  "utf-16le": "utf16le",
  ucs2: "utf16le",
  "ucs-2": "utf16le",
};

function encodingOf(name: string): Encoding {
  const encoding = ENCODINGS[name.toLowerCase()];
  if (encoding === undefined) throw new TypeError(`Unknown encoding: ${name}`);
  return encoding;
}

/** One byte a unit, in pieces that fit into an argument list. */
function binaryOf(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return text;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function decode(bytes: Uint8Array, encoding: Encoding): string {
  switch (encoding) {
    case "utf8":
      return decoder.decode(bytes);
    case "utf16le":
      // Unit by unit, since a surrogate without its other half stays what it is.
      return Array.from({ length: bytes.length >> 1 }, (_, i) =>
        String.fromCharCode(bytes[2 * i]! | (bytes[2 * i + 1]! << 8)),
      ).join("");
    case "latin1":
      return binaryOf(bytes);
    case "ascii":
      return binaryOf(bytes.map((byte) => byte & 0x7f));
    case "hex":
      return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    case "base64":
      return btoa(binaryOf(bytes));
    case "base64url":
      return btoa(binaryOf(bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  }
}

function encode(text: string, encoding: Encoding): Uint8Array<ArrayBuffer> {
  switch (encoding) {
    case "utf8":
      return new TextEncoder().encode(text);
    case "utf16le": {
      const bytes = new DataView(new ArrayBuffer(text.length * 2));
      for (let i = 0; i < text.length; i++) bytes.setUint16(i * 2, text.charCodeAt(i), true);
      return new Uint8Array(bytes.buffer);
    }
    case "latin1":
    case "ascii":
      return Uint8Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
    case "hex": {
      const pairs = /^(?:[0-9a-f]{2})*/i.exec(text)![0].match(/../g) ?? [];
      return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
    }
    case "base64":
    case "base64url": {
      const plain = text
        .replaceAll("-", "+")
        .replaceAll("_", "/")
        .replace(/[^A-Za-z0-9+/]/g, "");
      return Uint8Array.from(atob(plain.slice(0, plain.length - (plain.length % 4 === 1 ? 1 : 0))), (unit) =>
        unit.charCodeAt(0),
      );
    }
  }
}

/** Bytes that can be shown as text in Node's encodings. */
export class Buffer extends Uint8Array {
  static isEncoding(name: unknown): boolean {
    return typeof name === "string" && ENCODINGS[name.toLowerCase()] !== undefined;
  }

  static alloc(size: number): Buffer {
    return new Buffer(size);
  }

  static allocUnsafeSlow(size: number): Buffer {
    return new Buffer(size);
  }

  /** A view of an ArrayBuffer; a copy of anything else. */
  static override from(value: unknown, second?: unknown, third?: unknown): Buffer {
    if (typeof value === "string") {
      const { buffer } = encode(value, encodingOf((second as string | undefined) ?? "utf8"));
      return new Buffer(buffer);
    }
    if (value instanceof ArrayBuffer) {
      return new Buffer(value as ArrayBuffer, second as number | undefined, third as number | undefined);
    }
    return new Buffer(value as ArrayLike<number>);
  }

  static concat(list: readonly Uint8Array[]): Buffer {
    const all = new Buffer(list.reduce((size, { length }) => size + length, 0));
    let at = 0;
    for (const bytes of list) {
      all.set(bytes, at);
      at += bytes.length;
    }
    return all;
  }

  override toString(encoding = "utf8", start = 0, end = this.length): string {
    return decode(this.subarray(start, end), encodingOf(encoding));
  }

  equals(other: Uint8Array): boolean {
    return this.length === other.length && this.every((byte, i) => byte === other[i]);
  }
}

type Listener = (...args: unknown[]) => void;

/** Listeners by event, called in order. An `error` that nobody listens to is thrown. */
export class EventEmitter {
  readonly #listeners = new Map<string | symbol, Listener[]>();

  on(event: string | symbol, listener: Listener): this {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
    return this;
  }

  addListener(event: string | symbol, listener: Listener): this {
    return this.on(event, listener);
  }

  once(event: string | symbol, listener: Listener): this {
    const once = (...args: unknown[]) => {
      this.off(event, once);
      listener.apply(this, args);
    };
    return this.on(event, once);
  }

  off(event: string | symbol, listener: Listener): this {
    const listeners = this.#listeners.get(event) ?? [];
    const at = listeners.lastIndexOf(listener);
    if (at >= 0) this.#listeners.set(event, listeners.toSpliced(at, 1));
    return this;
  }

  removeListener(event: string | symbol, listener: Listener): this {
    return this.off(event, listener);
  }

  removeAllListeners(event?: string | symbol): this {
    if (event === undefined) this.#listeners.clear();
    else this.#listeners.delete(event);
    return this;
  }

  listenerCount(event: string | symbol): number {
    return this.#listeners.get(event)?.length ?? 0;
  }

  emit(event: string | symbol, ...args: unknown[]): boolean {
    const listeners = this.#listeners.get(event) ?? [];
    if (event === "error" && listeners.length === 0) throw args[0];
    for (const listener of listeners) listener.apply(this, args);
    return listeners.length > 0;
  }
}

function unavailable(name: string): Error {
  const message = `The feature ${name} is unavailable on the current platform, which is being used to run a browser`;
  return Object.assign(new TypeError(message), { code: "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM" });
}

export class ReadStream {
  constructor() {
    throw unavailable("fs.ReadStream");
  }
}

export class WriteStream {
  constructor() {
    throw unavailable("fs.WriteStream");
  }
}

export function createInterface(): never {
  throw unavailable("readline.createInterface");
}

/** A turn of the event loop of its own, without the 4 ms that nested timers are made to wait. */
export function setImmediate(call: Listener, ...args: unknown[]): void {
  waiting.push(() => call(...args));
  wake ??= waker();
  wake();
}

const waiting: (() => void)[] = [];
let wake: (() => void) | undefined;

function waker(): () => void {
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener("message", () => waiting.shift()?.());
  port1.start();
  return () => port2.postMessage(undefined);
}

/** A timer as Node's is. */
class Timer {
  readonly id: number;

  constructor(call: () => void, delay: number) {
    this.id = Number(globalThis.setTimeout(call, delay));
  }

  ref(): this {
    return this;
  }

  /** A page does not wait for its timers anyway. */
  unref(): this {
    return this;
  }
}

export function setTimeout(call: () => void, delay: number): Timer {
  return new Timer(call, delay);
}

export function clearTimeout(timer: Timer | undefined): void {
  if (timer !== undefined) globalThis.clearTimeout(timer.id);
}

/** @throws TypeError for what is no file URL of this machine */
export function fileURLToPath(url: URL): string {
  if (url.protocol !== "file:") {
    throw Object.assign(new TypeError("The URL must be of scheme file"), { code: "ERR_INVALID_URL_SCHEME" });
  }
  if (/%2f/i.test(url.pathname)) {
    const message = "File URL path must not include encoded / characters";
    throw Object.assign(new TypeError(message), { code: "ERR_INVALID_FILE_URL_PATH" });
  }
  return normalizePath(decodeURIComponent(url.pathname));
}

/** A value in an error's message. */
export function inspect(value: unknown): string {
  if (typeof value === "string") return `'${value}'`;
  if (typeof value === "function") return `[Function ${value.name}]`;
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "object" && value !== null) return `[${value.constructor?.name ?? "Object"}]`;
  return String(value);
}

/** Only what Node's `util.promisify` would look for; there is no such function here. */
export const promisify = { custom: Symbol.for("nodejs.util.promisify.custom") };
