/**
 * Fields that records are made of: varints, blocks, times and xattrs, one after the other without a
 * mark between them. Reading gives the values that were written, whatever they are; the bytes are
 * trusted: who reads them has checked a digest, or keeps them where nobody else writes.
 */
import { nameFromBytes, nameToBytes } from "../posix/names.ts";
import { fromSeconds, type Nanoseconds, seconds, subsecond } from "../posix/time.ts";
import { NO_XATTRS, type Xattrs } from "../tree/inode.ts";

/** Seconds that a difference can be taken of in a double, with room for the sum. */
const NEAR = 2n ** 50n;

const isNear = (time: bigint): boolean => time > -NEAR && time < NEAR;

/** A buffer that grows, with the few kinds of field that records are made of. */
export class Output {
  #bytes = new Uint8Array(4096);
  length = 0;

  #reserve(count: number): void {
    if (this.length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + count));
    grown.set(this.#bytes.subarray(0, this.length));
    this.#bytes = grown;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.length++] = value;
  }

  /** A whole number from 0 to 2^53-1: seven bits a byte, the lowest first. */
  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.length++] = rest;
  }

  /** A whole number of either sign, below 2^52. */
  signed(value: number): void {
    this.varint(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  bytes(bytes: Uint8Array, start = 0): void {
    this.#reserve(bytes.length - start);
    this.#bytes.set(start === 0 ? bytes : bytes.subarray(start), this.length);
    this.length += bytes.length - start;
  }

  /** Bytes with their length before them. */
  block(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.bytes(bytes);
  }

  /** The subsecond part, then the seconds: from `base` on, or as digits where a double has no room. */
  time(time: Nanoseconds, base: Nanoseconds): void {
    const whole = seconds(time);
    const from = seconds(base);
    const near = isNear(whole) && isNear(from);
    this.varint(subsecond(time) * 2 + (near ? 0 : 1));
    if (near) this.signed(Number(whole - from));
    else this.block(nameToBytes(whole.toString()));
  }

  xattrs(xattrs: Xattrs): void {
    this.varint(xattrs.size);
    for (const [name, value] of xattrs) {
      this.block(nameToBytes(name));
      this.block(value);
    }
  }

  written(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  /** What was written, in a buffer of its own; writing starts anew. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.length);
    this.length = 0;
    return taken;
  }
}

/** Reads what {@link Output} wrote. */
export class Input {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    return this.#bytes[this.at++]!;
  }

  varint(): number {
    let byte = this.#bytes[this.at++]!;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let scale = 0x80;
    do {
      byte = this.#bytes[this.at++]!;
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
    } while (byte >= 0x80);
    return value;
  }

  signed(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  take(length: number): Uint8Array {
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  text(): string {
    const length = this.varint();
    this.at += length;
    return nameFromBytes(this.#bytes, this.at - length, this.at);
  }

  time(base: Nanoseconds): Nanoseconds {
    const first = this.varint();
    const below = Math.floor(first / 2);
    if (first % 2 === 1) return fromSeconds(BigInt(this.text()), below);
    return fromSeconds(Number(seconds(base)) + this.signed(), below);
  }

  xattrs(): Xattrs {
    const count = this.varint();
    if (count === 0) return NO_XATTRS;
    const xattrs = new Map<string, Uint8Array>();
    for (let left = count; left > 0; left--) {
      const name = this.text();
      // Not `slice`, which is a view where the bytes are a `Buffer`.
      xattrs.set(name, new Uint8Array(this.take(this.varint())));
    }
    return xattrs;
  }
}
