/** `dd`, without conversions. */
import { O_CREAT, O_TRUNC, O_WRONLY } from "../../union/types.ts";
import { deviceAt } from "../shell/devices.ts";
import { CommandError, type Process } from "../shell/process.ts";
import { readOperand } from "./run-others.ts";
import { parseSize } from "./truncate.ts";

export function dd(process: Process): number {
  const { mount } = process;
  const given = new Map(
    process.args.map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)]),
  );
  for (const name of given.keys()) {
    if (
      !["if", "of", "bs", "ibs", "obs", "count", "skip", "seek", "conv", "status", "iflag", "oflag"].includes(
        name,
      )
    )
      throw new CommandError(`unrecognized operand '${name}'`);
  }
  const size = (name: string, otherwise: number) =>
    given.has(name)
      ? parseSize(given.get(name)!.replace(/([kMG])B?$/, (_, unit: string) => unit.toUpperCase()))
      : otherwise;
  const block = size("bs", size("ibs", 512));
  const [count, skip, seek] = [size("count", Number.POSITIVE_INFINITY), size("skip", 0), size("seek", 0)];
  const input =
    endless(process, given.get("if") ?? "-", count * block) ?? readOperand(process, given.get("if") ?? "-");
  const bytes = input.subarray(skip * block, Math.min(input.length, (skip + count) * block));
  const to = given.get("of");
  if (to === undefined) process.write(bytes);
  else if (deviceAt(to) === undefined) {
    const keep = (given.get("conv") ?? "").split(",").includes("notrunc");
    const fd = mount.open(to, O_WRONLY | O_CREAT | (keep || seek > 0 ? 0 : O_TRUNC), 0o666);
    try {
      if (!keep && seek > 0) mount.ftruncate(fd, seek * block);
      for (let at = 0; at < bytes.length; )
        at += mount.write(fd, bytes, at, bytes.length - at, seek * block + at);
    } finally {
      mount.close(fd);
    }
  }
  const blocks = `${Math.floor(bytes.length / block)}+${bytes.length % block === 0 ? 0 : 1}`;
  if (given.get("status") !== "none") process.writeError(`${blocks} records in\n${blocks} records out\n`);
  return 0;
}

/** As much of an endless device as is asked for. */
function endless(process: Process, path: string, length: number): Uint8Array | undefined {
  if (path !== "/dev/zero" && path !== "/dev/urandom" && path !== "/dev/random") return undefined;
  if (!Number.isFinite(length)) throw new CommandError(`'${path}' has no end: count= is needed`);
  const bytes = new Uint8Array(length);
  if (path === "/dev/zero") return bytes;
  for (let at = 0; at < length; ) {
    const piece = process.readFile(path).subarray(0, length - at);
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
