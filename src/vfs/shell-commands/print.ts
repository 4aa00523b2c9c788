/** `echo` and `printf`, exact to the byte. */
import { nameFromBytes, nameToBytes } from "../../posix/names.ts";
import type { Process } from "../shell/process.ts";
import { unescapeUntil } from "./escapes.ts";

export function echo(process: Process): number {
  const words = [...process.args];
  let [newline, escapes] = [true, false];
  while (words.length > 0 && /^-[neE]+$/.test(words[0]!)) {
    for (const letter of words.shift()!.slice(1)) {
      if (letter === "n") newline = false;
      else escapes = letter === "e";
    }
  }
  const line = words.join(" ");
  const { text, ended } = escapes ? unescapeUntil(line, true) : { text: line, ended: false };
  process.write(newline && !ended ? `${text}\n` : text);
  return 0;
}

const DIRECTIVE = /%%|%([-+ #0]*)(\*|\d+)?(?:\.(\*|-?\d+)?)?(?:hh|h|ll|l|L|q|j|z|t)?([a-zA-Z])/g;

export function printf(process: Process): number {
  const [format, ...given] = process.args[0] === "--" ? process.args.slice(1) : process.args;
  if (format === undefined) {
    process.writeError("printf: usage: printf format [arguments]\n");
    return 2;
  }
  let status = 0;
  const words = [...given];
  let ended = false;
  const warn = (message: string) => {
    process.complain(message);
    status = 1;
  };
  do {
    let from = 0;
    let used = false;
    const literal = (text: string) => {
      const piece = unescapeUntil(text);
      process.write(piece.text);
      ended ||= piece.ended;
    };
    for (const found of format.matchAll(DIRECTIVE)) {
      literal(format.slice(from, found.index));
      from = found.index + found[0].length;
      if (ended) return status;
      if (found[0] === "%%") {
        process.write("%");
        continue;
      }
      used = true;
      const [, flags = "", width, precision, letter] = found;
      const hasPrecision = /\./.test(found[0]);
      const number = (text: string | undefined) =>
        text === "*" ? Number(words.shift() ?? 0) : text === undefined ? undefined : Number(text);
      const spec = {
        flags,
        width: number(width),
        precision: hasPrecision ? (number(precision) ?? 0) : undefined,
      };
      const word = words.shift();
      if (letter === "b") {
        const piece = unescapeUntil(word ?? "", true);
        process.write(padded(piece.text, spec));
        if (piece.ended) return status;
      } else process.write(convert(letter!, word, spec, warn));
    }
    literal(format.slice(from));
    if (!used) break;
  } while (words.length > 0 && !ended);
  return status;
}

interface Spec {
  readonly flags: string;
  readonly width: number | undefined;
  readonly precision: number | undefined;
}

/** Padded to a width in bytes. */
function padded(text: string, { flags, width }: Spec): string {
  if (width === undefined) return text;
  const missing = Math.abs(width) - nameToBytes(text).length;
  if (missing <= 0) return text;
  return flags.includes("-") || width < 0 ? text + " ".repeat(missing) : " ".repeat(missing) + text;
}

function convert(
  letter: string,
  word: string | undefined,
  spec: Spec,
  warn: (message: string) => void,
): string {
  switch (letter) {
    case "s": {
      const text = word ?? "";
      return padded(
        spec.precision === undefined ? text : nameFromBytes(nameToBytes(text).subarray(0, spec.precision)),
        spec,
      );
    }
    case "q":
      return padded(quoted(word ?? ""), spec);
    case "c":
      return padded(nameFromBytes(nameToBytes(word ?? "").subarray(0, 1)), spec);
    case "d":
    case "i":
    case "u":
    case "x":
    case "X":
    case "o":
      return integer(letter, word, spec, warn);
    case "f":
    case "F":
    case "e":
    case "E":
    case "g":
    case "G":
      return real(letter, word, spec, warn);
    default:
      warn(`%${letter}: invalid directive`);
      return "";
  }
}

function quoted(word: string): string {
  if (word === "") return "''";
  if (/[^\x20-\x7e]/.test(word)) {
    const body = [...nameToBytes(word)].map((byte) => {
      const character = String.fromCharCode(byte);
      if (character === "\n") return "\\n";
      if (character === "\t") return "\\t";
      if (character === "'" || character === "\\") return `\\${character}`;
      return byte < 0x20 || byte > 0x7e ? `\\${byte.toString(8).padStart(3, "0")}` : character;
    });
    return `$'${body.join("")}'`;
  }
  return word.replace(/[^A-Za-z0-9_.,:@%/+=-]/g, "\\$&");
}

function integer(
  letter: string,
  word: string | undefined,
  spec: Spec,
  warn: (message: string) => void,
): string {
  const value = parseInteger(word, warn);
  const { flags, precision } = spec;
  const base = letter === "x" || letter === "X" ? 16 : letter === "o" ? 8 : 10;
  const unsigned = base !== 10 || letter === "u";
  const magnitude = unsigned ? BigInt.asUintN(64, value) : value < 0n ? -value : value;
  let digits = magnitude.toString(base).padStart(precision ?? 1, "0");
  if (letter === "X") digits = digits.toUpperCase();
  const prefix =
    flags.includes("#") && magnitude !== 0n ? (base === 16 ? `0${letter}` : base === 8 ? "0" : "") : "";
  const sign =
    !unsigned && value < 0n
      ? "-"
      : unsigned
        ? ""
        : flags.includes("+")
          ? "+"
          : flags.includes(" ")
            ? " "
            : "";
  return zeroPadded(sign + prefix, digits, spec, precision === undefined);
}

function zeroPadded(sign: string, digits: string, spec: Spec, allowed: boolean): string {
  const { flags, width } = spec;
  if (allowed && flags.includes("0") && !flags.includes("-") && width !== undefined) {
    return sign + digits.padStart(width - sign.length, "0");
  }
  return padded(sign + digits, spec);
}

function parseInteger(word: string | undefined, warn: (message: string) => void): bigint {
  const text = (word ?? "").trim();
  if (text === "") return 0n;
  if (/^['"]/.test(text)) return BigInt(nameToBytes(text.slice(1))[0] ?? 0);
  const parts = /^([-+]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)(.*)$/s.exec(text);
  if (parts === null) {
    warn(`${word}: invalid number`);
    return 0n;
  }
  const [, sign, digits, rest] = parts;
  if (rest !== "") warn(`${word}: invalid number`);
  const value = /^0[0-7]/.test(digits!) ? BigInt(`0o${digits!.slice(1)}`) : BigInt(digits!);
  return sign === "-" ? -value : value;
}

function real(letter: string, word: string | undefined, spec: Spec, warn: (message: string) => void): string {
  const value = Number(word ?? 0);
  if (Number.isNaN(value)) warn(`${word}: invalid number`);
  const number = Number.isNaN(value) ? 0 : value;
  const digits = spec.precision ?? 6;
  const magnitude = Math.abs(number);
  let text: string;
  if (letter === "f" || letter === "F") text = magnitude.toFixed(digits);
  else if (letter === "e" || letter === "E") text = exponent(magnitude.toExponential(digits));
  else {
    const power = magnitude === 0 ? 0 : Math.floor(Math.log10(magnitude));
    const places = digits === 0 ? 1 : digits;
    text =
      power < -4 || power >= places
        ? exponent(trimZeros(magnitude.toExponential(places - 1)))
        : trimZeros(magnitude.toFixed(Math.max(0, places - 1 - power)));
  }
  if (letter === "E" || letter === "G") text = text.toUpperCase();
  const sign = number < 0 ? "-" : spec.flags.includes("+") ? "+" : spec.flags.includes(" ") ? " " : "";
  return zeroPadded(sign, text, spec, true);
}

function exponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

function trimZeros(text: string): string {
  return text.replace(/(\.\d*?)0+(?=e|$)/, "$1").replace(/\.(?=e|$)/, "");
}
