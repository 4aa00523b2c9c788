/** `setfattr` and `getfattr`. */
import { nameFromBytes, nameToBytes } from "../../posix/names.ts";
import type { Mount } from "../../union/mount.ts";
import { CommandError, type Process } from "../shell/process.ts";
import { forEach } from "./attempts.ts";
import { parseOptions } from "./options.ts";
import { walkTree } from "./walk.ts";

/** A value as setfattr(1) takes it: `0x…`, `0s…`, or text, quoted or not, with octal escapes. */
function parseValue(text: string): Uint8Array {
  if (/^0[xX]/.test(text)) {
    const digits = text.slice(2);
    if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits))
      throw new CommandError("bad input encoding");
    return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  }
  if (/^0[sS]/.test(text))
    return Uint8Array.from(atob(text.slice(2)), (character) => character.charCodeAt(0));
  const quoted = /^"(.*)"$/s.exec(text)?.[1] ?? text;
  const bytes: number[] = [];
  const source = nameToBytes(quoted);
  for (let i = 0; i < source.length; i++) {
    if (source[i] !== 0x5c) {
      bytes.push(source[i]!);
      continue;
    }
    const octal = /^[0-7]{1,3}/.exec(nameFromBytes(source, i + 1, Math.min(i + 4, source.length)))?.[0];
    if (octal === undefined) bytes.push(source[++i] ?? 0x5c);
    else {
      bytes.push(Number.parseInt(octal, 8) & 0xff);
      i += octal.length;
    }
  }
  return Uint8Array.from(bytes);
}

export function setfattr(process: Process): number {
  const { mount } = process;
  const options = parseOptions(process.args, "n:v:x:h", {
    name: "n",
    value: "v",
    remove: "x",
    "no-dereference": "h",
  });
  const [name, removed] = [options.value("n"), options.value("x")];
  if ((name === undefined) === (removed === undefined) || options.operands.length === 0) {
    throw new CommandError(
      "usage: setfattr {-n name} [-v value] [-h] file...\n       setfattr {-x name} [-h] file...",
      2,
    );
  }
  const value = parseValue(options.value("v") ?? "");
  const link = options.has("h");
  return forEach(
    process,
    options.operands,
    (path) => path,
    (path) => {
      if (removed !== undefined) link ? mount.lremovexattr(path, removed) : mount.removexattr(path, removed);
      else link ? mount.lsetxattr(path, name!, value) : mount.setxattr(path, name!, value);
    },
  );
}

export function getfattr(process: Process): number {
  const { mount } = process;
  const options = parseOptions(process.args, "n:de:hRm:L=P!", {
    name: "n",
    dump: "d",
    encoding: "e",
    "no-dereference": "h",
    recursive: "R",
    match: "m",
    "absolute-names": "=",
    "only-values": "!",
  });
  const name = options.value("n");
  const pattern = options.value("m") ?? "^user\\.";
  const match = pattern === "-" ? /^/ : new RegExp(pattern);
  const link = options.has("h");
  const show = (path: string) => {
    const list =
      name === undefined
        ? (link ? mount.llistxattr(path) : mount.listxattr(path)).filter((each) => match.test(each)).sort()
        : [name];
    const read = (each: string) => (link ? mount.lgetxattr(path, each) : mount.getxattr(path, each));
    if (options.has("!")) {
      for (const each of list) process.write(read(each));
      return;
    }
    if (list.length === 0) return;
    const values = list.map((each) => {
      const told =
        name === undefined && !options.has("d") ? "" : `=${formatValue(read(each), options.value("e"))}`;
      return `${each}${told}\n`;
    });
    const absolute = path.startsWith("/") && !options.has("=");
    if (absolute) process.writeError("getfattr: Removing leading '/' from absolute path names\n");
    process.write(`# file: ${absolute ? path.replace(/^\/+/, "") : path}\n${values.join("")}\n`);
  };
  return forEach(
    process,
    options.operands,
    (path) => (name === undefined ? path : `${path}: ${name}`),
    (path) => {
      if (options.has("R")) walkTree(mount as Mount, path, show);
      else show(path);
    },
  );
}

function formatValue(value: Uint8Array, encoding: string | undefined): string {
  const text = String.fromCharCode(...value);
  const printable = value.length > 0 && value.every((byte) => byte >= 0x20 && byte < 0x7f);
  if (encoding === "hex") return `0x${[...value].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  if (encoding === "base64" || (encoding === undefined && !printable && value.length > 0))
    return `0s${btoa(text)}`;
  return `"${text.replace(/["\\]/g, "\\$&").replace(/[^\x20-\x7e]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, "0")}`)}"`;
}
