/**
 * Extended attributes on the machine's files. Node cannot write them, so one run of setfattr(1) (Debian:
 * attr) writes those of a whole directory, links themselves and never through a link.
 */
import { spawnSync } from "node:child_process";
import { nameToBytes } from "../posix/names.ts";
import type { Xattrs } from "../tree/inode.ts";

/** What setfattr would take for the end of a name, or for an escape, spelt as it reads it. */
function quoted(name: string): Buffer {
  const bytes = [...nameToBytes(name)].map((byte) =>
    byte === 0x5c || byte === 0x3d || byte < 0x20 || byte === 0x7f
      ? `\\${byte.toString(8).padStart(3, "0")}`
      : String.fromCharCode(byte),
  );
  return Buffer.from(bytes.join(""), "latin1");
}

/** What is to be written: the attributes of each path, relative to the directory. */
export type XattrList = readonly (readonly [path: string, xattrs: Xattrs])[];

/**
 * Writes extended attributes of files in a directory.
 * @param all whether those that only root may set are written too; else only `user.*`
 * @returns why not all are there; undefined where they are
 */
export function writeXattrs(directory: string, list: XattrList, all: boolean): string | undefined {
  const pieces: Buffer[] = [];
  let left = 0;
  for (const [path, xattrs] of list) {
    const kept = [...xattrs].filter(([name]) => all || name.startsWith("user."));
    left += xattrs.size - kept.length;
    if (kept.length === 0) continue;
    pieces.push(Buffer.from("# file: "), quoted(path === "/" ? "." : path.slice(1)), Buffer.from("\n"));
    for (const [name, value] of kept) {
      pieces.push(quoted(name), Buffer.from(`=0x${Buffer.from(value).toString("hex")}\n`));
    }
    pieces.push(Buffer.from("\n"));
  }
  const skipped = left === 0 ? undefined : `${left} extended attributes that only root may set were left out`;
  if (pieces.length === 0) return skipped;
  const { error, status, stderr } = spawnSync("setfattr", ["-h", "--restore=-"], {
    cwd: directory,
    input: Buffer.concat(pieces),
    stdio: ["pipe", "ignore", "pipe"],
  });
  if (error !== undefined) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const reason = missing ? "setfattr is not installed (Debian: apt-get install attr)" : error.message;
    return `extended attributes were not written: ${reason}`;
  }
  const complaint = stderr.toString("latin1").split("\n", 1)[0];
  return status === 0 ? skipped : `not all extended attributes were written: ${complaint}`;
}
