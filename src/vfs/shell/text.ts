/**
 * Shell text: how bytes travel through an interpreter whose values are JavaScript strings.
 *
 * A byte below 0x80 is that character; a byte `b` above is U+EF00 + b (U+EF80–U+EFFF, private use).
 * Every byte string has one text and comes back from it unchanged, through variables, pipes, globs and
 * redirections, whatever the interpreter encodes and decodes on the way. One character is one byte, as
 * in the POSIX locale that containers run in unless their image sets another.
 *
 * Names of the engine (`posix/names.ts`) are converted here when they cross into the shell and back.
 * A resolved path carries a mark ({@link markPath}), so that the filesystem can tell what a program
 * asks from what the interpreter looks up in PATH; the mark vanishes where text becomes bytes.
 */
import { nameFromBytes, nameToBytes } from "../../posix/names.ts";

const HIGH = 0xef00;
/** Noncharacters, which shell text made of bytes never contains. */
const MARK = "\uFDD0";
const SLASH = "\uFDD1";
const PREFIX = `/bin/${MARK}`;
const MARKED = /(?:\/bin\/)?\uFDD0([^/]*)/g;

export function textFromBytes(bytes: Uint8Array): string {
  let text = "";
  const units = new Uint16Array(Math.min(bytes.length, 8192));
  for (let start = 0; start < bytes.length; start += 8192) {
    const end = Math.min(start + 8192, bytes.length);
    for (let i = start; i < end; i++) units[i - start] = bytes[i]! < 0x80 ? bytes[i]! : HIGH + bytes[i]!;
    text += String.fromCharCode(...units.subarray(0, end - start));
  }
  return text;
}

/** The inverse of {@link textFromBytes}; what the interpreter itself made of other characters is UTF-8. */
export function bytesFromText(marked: string): Uint8Array {
  const text = unmarkPaths(marked);
  const out = new Uint8Array(text.length * 3);
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) out[at++] = unit;
    else if (unit >= 0xef80 && unit <= 0xefff) out[at++] = unit - HIGH;
    else {
      const character = String.fromCodePoint(text.codePointAt(i)!);
      const bytes = nameToBytes(character);
      out.set(bytes, at);
      at += bytes.length;
      i += character.length - 1;
    }
  }
  return out.slice(0, at);
}

/** A name, path or word of the engine as shell text. */
export function textFromName(name: string): string {
  return textFromBytes(nameToBytes(name));
}

/** Shell text as a name of the engine. */
export function nameFromText(text: string): string {
  return /^[\x00-\x7f]*$/.test(text) ? text : nameFromBytes(bytesFromText(text));
}

/** A byte string as the interpreter carries it: one character of U+0000–U+00FF a byte. */
export function latin1FromBytes(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += 8192) {
    text += String.fromCharCode(...bytes.subarray(start, start + 8192));
  }
  return text;
}

export function bytesFromLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** The bytes that a pipe carries inside the interpreter, where shell text goes as UTF-8. */
export function bytesFromPipe(piped: string): Uint8Array {
  const bytes = bytesFromLatin1(piped);
  try {
    return bytesFromText(decoder.decode(bytes));
  } catch {
    // Not what the shell encoded, so a command made it: these are the bytes.
    return bytes;
  }
}

/** Bytes as a pipe of the interpreter carries them. */
export function pipeFromBytes(bytes: Uint8Array): string {
  return latin1FromBytes(encoder.encode(textFromBytes(bytes)));
}

/** A path as the interpreter shall hand it back. `name` is what a command of that path is registered as. */
export function markPath(path: string): { readonly path: string; readonly name: string } {
  const name = MARK + path.replaceAll("/", SLASH);
  return { path: `/bin/${name}`, name };
}

export function isMarked(path: string): boolean {
  return path.startsWith(PREFIX);
}

/** Text with every marked path in it as it was. */
export function unmarkPaths(text: string): string {
  return text.includes(MARK) ? text.replace(MARKED, (_, path: string) => path.replaceAll(SLASH, "/")) : text;
}
