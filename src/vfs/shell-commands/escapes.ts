/**
 * Backslash escapes of `printf`, `echo -e` and `find -printf`. What they make are bytes: a string here is
 * a name, in which a byte that is no UTF-8 is a lone surrogate.
 */
import { nameFromBytes, nameToBytes } from "../../posix/names.ts";

const SIMPLE: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  e: "\x1b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
  "'": "'",
};

/** @param zero whether octal escapes are written `\0nnn`, as `echo -e` and `%b` have them; else `\nnn` */
export function unescapeUntil(
  text: string,
  zero = false,
): { readonly text: string; readonly ended: boolean } {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const found of text.matchAll(
    /\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|0[0-7]{0,3}|[1-7][0-7]{0,2}|.|$)/gs,
  )) {
    const sequence = found[1]!;
    const start = found.index;
    parts.push(nameToBytes(text.slice(from, start)));
    from = start + found[0].length;
    const first = sequence[0] ?? "";
    if (sequence === "c") return { text: joined(parts), ended: true };
    if (/^[xuU]./.test(sequence)) {
      const value = Number.parseInt(sequence.slice(1), 16);
      parts.push(first === "x" ? Uint8Array.of(value) : nameToBytes(String.fromCodePoint(value)));
    } else if (/^[0-7]/.test(sequence)) {
      // Without the leading zero, three digits are the most.
      const digits = !zero ? sequence.slice(0, 3) : sequence;
      parts.push(Uint8Array.of(Number.parseInt(digits, 8) & 0xff));
      from -= sequence.length - digits.length;
    } else parts.push(nameToBytes(SIMPLE[first] ?? found[0]));
  }
  parts.push(nameToBytes(text.slice(from)));
  return { text: joined(parts), ended: false };
}

export function unescaped(text: string): string {
  return unescapeUntil(text).text;
}

function joined(parts: readonly Uint8Array[]): string {
  const bytes = parts.flatMap((part) => [...part]);
  return nameFromBytes(Uint8Array.from(bytes));
}
