/**
 * Archives made by hand: any field of any header can be set, and the checksum fits unless it is what
 * is wrong. What a real tool would never write comes from here.
 */

import { ArchiveError, type Entry } from "../../src/tar/entry.ts";
import { TarReader } from "../../src/tar/reader.ts";

/** Latin-1, so that a string can hold any bytes. */
export function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export interface HeaderFields {
  readonly name?: string;
  readonly type?: string;
  /** Every number may be text, to be put into the field as it is. */
  readonly mode?: number | string;
  readonly uid?: number | string;
  readonly gid?: number | string;
  readonly size?: number | string;
  readonly mtime?: number | string;
  readonly link?: string;
  /** Magic and version; `ustar\0` + `00` unless said otherwise. */
  readonly magic?: string;
  readonly major?: number | string;
  readonly minor?: number | string;
  readonly prefix?: string;
  /** Written last, anywhere: offset and text. */
  readonly raw?: readonly (readonly [number, string])[];
  readonly checksum?: "unsigned" | "signed" | "wrong";
}

export const GNU = "ustar  \0";
export const V7 = "\0\0\0\0\0\0\0\0";

/** A number as GNU tar writes what octal has no room for. */
export function base256(value: bigint | number, length: number): string {
  let text = "";
  let rest = BigInt.asUintN(8 * length, BigInt(value));
  for (let i = 0; i < length; i++) {
    text = String.fromCharCode(Number(rest & 0xffn)) + text;
    rest >>= 8n;
  }
  return String.fromCharCode(text.charCodeAt(0) | 0x80) + text.slice(1);
}

export function header(fields: HeaderFields = {}): Uint8Array {
  const block = new Uint8Array(512);
  const put = (at: number, text: string): void => block.set(bytes(text), at);
  const number = (at: number, length: number, value: number | string): void =>
    put(at, typeof value === "string" ? value : value.toString(8).padStart(length - 1, "0"));
  put(0, fields.name ?? "f");
  number(100, 8, fields.mode ?? 0o644);
  number(108, 8, fields.uid ?? 0);
  number(116, 8, fields.gid ?? 0);
  number(124, 12, fields.size ?? 0);
  number(136, 12, fields.mtime ?? 0);
  put(156, fields.type ?? "0");
  put(157, fields.link ?? "");
  put(257, fields.magic ?? "ustar\x0000");
  if (fields.magic !== V7) {
    number(329, 8, fields.major ?? 0);
    number(337, 8, fields.minor ?? 0);
  }
  put(345, fields.prefix ?? "");
  for (const [at, text] of fields.raw ?? []) put(at, text);
  block.fill(0x20, 148, 156);
  const view = fields.checksum === "signed" ? new Int8Array(block.buffer) : block;
  let sum = 0;
  for (const byte of view) sum += byte;
  if (fields.checksum === "wrong") sum += 1;
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}

/** Content, filled up to whole blocks. */
export function body(content: string | Uint8Array): Uint8Array {
  const raw = typeof content === "string" ? bytes(content) : content;
  return concat(raw, new Uint8Array((512 - (raw.length % 512)) % 512));
}

/** A header with its content. */
export function member(fields: HeaderFields, content: string | Uint8Array = ""): Uint8Array {
  return concat(header({ size: content.length, ...fields }), body(content));
}

/** A PAX record, its length found by trial. */
export function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (`${length}${rest}`.length !== length) length = `${length}${rest}`.length;
  return `${length}${rest}`;
}

/** An extended header of records, or of any text at all. */
export function pax(records: Readonly<Record<string, string>> | string, type = "x"): Uint8Array {
  const text =
    typeof records === "string"
      ? records
      : Object.entries(records)
          .map(([key, value]) => record(key, value))
          .join("");
  return member({ name: "PaxHeaders/f", type }, text);
}

/** GNU's header before a long name (`L`) or link target (`K`). */
export function gnuLong(type: "L" | "K", text: string): Uint8Array {
  return member({ name: "././@LongLink", type, magic: GNU }, `${text}\0`);
}

/** The two blocks that end an archive. */
export const END = new Uint8Array(1024);

/** Every entry of an archive, given to the reader in pieces of `chunk` bytes. */
export function entriesOf(archive: Uint8Array, chunk: number = archive.length || 1): Entry[] {
  const entries: Entry[] = [];
  const reader = new TarReader((entry) => entries.push(entry));
  for (let at = 0; at < archive.length; at += chunk) reader.push(archive.subarray(at, at + chunk));
  reader.end();
  return entries;
}

/** The one entry of an archive made of these parts. */
export function only(...parts: readonly Uint8Array[]): Entry {
  const entries = entriesOf(concat(...parts));
  if (entries.length !== 1) throw new Error(`${entries.length} entries instead of one`);
  return entries[0]!;
}

/** The error an archive is refused with. */
export function refusal(...parts: readonly Uint8Array[]): ArchiveError {
  try {
    entriesOf(concat(...parts));
  } catch (error) {
    if (error instanceof ArchiveError) return error;
    throw error;
  }
  throw new Error("the archive was accepted");
}
