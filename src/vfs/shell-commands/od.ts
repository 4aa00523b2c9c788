/** `od`: bytes, characters and words of two, four or eight bytes, little-endian. */
import { CommandError, type Process } from "../shell/process.ts";
import { parseOptions } from "./options.ts";
import { readOperand } from "./run-others.ts";

interface Format {
  readonly size: number;
  readonly width: number;
  show(bytes: Uint8Array): string;
}

const NAMES: Readonly<Record<number, string>> = {
  0: "\\0",
  7: "\\a",
  8: "\\b",
  9: "\\t",
  10: "\\n",
  11: "\\v",
  12: "\\f",
  13: "\\r",
};
const ABBREVIATIONS =
  "nul soh stx etx eot enq ack bel bs ht nl vt ff cr so si dle dc1 dc2 dc3 dc4 nak syn etb can em sub esc fs gs rs us sp".split(
    " ",
  );

const CHARACTERS: Format = {
  size: 1,
  width: 3,
  show: ([byte = 0]) =>
    NAMES[byte] ??
    (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : byte.toString(8).padStart(3, "0")),
};
const NAMED: Format = {
  size: 1,
  width: 3,
  show: ([byte = 0]) =>
    (byte & 0x7f) === 0x7f ? "del" : (ABBREVIATIONS[byte & 0x7f] ?? String.fromCharCode(byte & 0x7f)),
};

function number(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = value * 256n + BigInt(bytes[i]!);
  return value;
}

function words(letter: string, size: number): Format {
  const top = 256n ** BigInt(size) - 1n;
  if (letter === "x" || letter === "o") {
    const radix = letter === "x" ? 16 : 8;
    const width = top.toString(radix).length;
    return { size, width, show: (bytes) => number(bytes).toString(radix).padStart(width, "0") };
  }
  const signed = letter === "d";
  const width = (signed ? -(top + 1n) / 2n : top).toString().length;
  return {
    size,
    width,
    show: (bytes) => String(signed ? BigInt.asIntN(size * 8, number(bytes)) : number(bytes)),
  };
}

function parseType(text: string): Format[] {
  return [...text.matchAll(/([acdoux])([1248CSIL])?z?/g)].map(([, letter, size]) => {
    if (letter === "c") return CHARACTERS;
    if (letter === "a") return NAMED;
    const named = { C: 1, S: 2, I: 4, L: 8 }[size ?? ""];
    return words(letter!, named ?? Number(size ?? 4));
  });
}

const OLD: Readonly<Record<string, Format>> = {
  b: words("o", 1),
  c: CHARACTERS,
  a: NAMED,
  d: words("u", 2),
  o: words("o", 2),
  x: words("x", 2),
  h: words("x", 2),
  i: words("d", 4),
  l: words("d", 8),
};

export function od(process: Process): number {
  const options = parseOptions(process.args, "A:t:N:j:vw:bcadoxhil", {
    "address-radix": "A",
    format: "t",
    "read-bytes": "N",
    "skip-bytes": "j",
    "output-duplicates": "v",
    width: "w",
  });
  const old = Object.keys(OLD)
    .filter(options.has)
    .map((letter) => OLD[letter]!);
  const formats = [...options.values("t").flatMap(parseType), ...old];
  if (formats.length === 0) formats.push(words("o", 2));
  const files = options.operands.length === 0 ? ["-"] : options.operands;
  const whole = files.flatMap((path) => [...readOperand(process, path)]);
  const skip = Number(options.value("j") ?? 0);
  const bytes = Uint8Array.from(
    whole.slice(skip, skip + Number(options.value("N") ?? Number.POSITIVE_INFINITY)),
  );
  const line = Number(options.value("w") ?? 16);
  const radix = { n: 0, o: 8, d: 10, x: 16 }[options.value("A") ?? "o"];
  if (radix === undefined) throw new CommandError(`invalid output address radix '${options.value("A")}'`);
  const address = (at: number) =>
    radix === 0 ? "" : (at + skip).toString(radix).padStart(radix === 16 ? 6 : 7, "0");
  // Columns of every format are as wide as the widest for the same bytes.
  const column = Math.max(...formats.map(({ size, width }) => (width + 1) / size));
  let previous = "";
  let repeated = false;
  for (let at = 0; at < bytes.length; at += line) {
    const rows = formats.map(({ size, show }) => {
      let row = "";
      for (let i = at; i < Math.min(at + line, bytes.length); i += size) {
        const piece = new Uint8Array(size);
        piece.set(bytes.subarray(i, Math.min(i + size, bytes.length)));
        row += show(piece).padStart(Math.ceil(column * size));
      }
      return row;
    });
    const text = rows.join("\n");
    if (text === previous && at + line <= bytes.length && !options.has("v")) {
      if (!repeated) process.write("*\n");
      repeated = true;
      continue;
    }
    previous = text;
    repeated = false;
    process.write(
      rows.map((row, i) => `${i === 0 ? address(at) : " ".repeat(address(at).length)}${row}\n`).join(""),
    );
  }
  if (radix !== 0) process.write(`${address(bytes.length)}\n`);
  return 0;
}
