/** Real bash in a chroot: the driver's end of `chroot.py`. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Line } from "./cases.ts";

const PROGRAM = fileURLToPath(new URL("chroot.py", import.meta.url));

export interface RealFile {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly nlink: number;
  readonly size: number;
  /** Nanoseconds; beyond 2^53, so that the last digits are not true. */
  readonly mtime: number;
  readonly rdev: number;
  readonly xattrs: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly digest?: string;
}

/** Byte strings are in base64. */
export interface RealOutcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly tree: Readonly<Record<string, RealFile>>;
  readonly gone: readonly string[];
  readonly asked: Readonly<Record<string, RealFile | null>>;
}

/** @param shell a static bash of the host */
export function runInChroot(
  rootfs: string,
  shell: string,
  cases: readonly (Line & { readonly ask: readonly string[] })[],
): Promise<RealOutcome[]> {
  const child = spawn("unshare", ["--mount", "python3", "-B", PROGRAM, rootfs, shell], { stdio: "pipe" });
  child.stdin.end(JSON.stringify(cases));
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  return new Promise((resolve, reject) => {
    child.on("close", (status) => {
      if (status !== 0) {
        reject(new Error(`the chroot driver ended with ${status}\n${Buffer.concat(err).toString()}`));
        return;
      }
      const lines = Buffer.concat(out).toString().trimEnd().split("\n");
      resolve(lines.map((line) => JSON.parse(line) as RealOutcome));
    });
  });
}
