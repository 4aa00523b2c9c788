/**
 * The command line run in this process, on streams and a clock of the test's own.
 */
import { PassThrough, Readable } from "node:stream";
import { run } from "../../src/cli/program.ts";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as it is. */
  readonly bytes: Buffer;
}

export interface Surroundings {
  readonly root: string;
  readonly stdin?: Uint8Array;
  readonly now?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Standard output and input are a terminal. */
  readonly terminal?: boolean;
}

function collected(stream: PassThrough): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(Buffer.from(chunk)));
  return new Promise((resolve) => stream.on("end", () => resolve(Buffer.concat(chunks))));
}

/** Runs `strata ARGS` and gives what it wrote and its exit code. */
export async function strata(args: readonly string[], surroundings: Surroundings): Promise<Ran> {
  const { root, stdin = new Uint8Array(), now = Date.now(), env = {}, terminal = false } = surroundings;
  const out = new PassThrough();
  const err = new PassThrough();
  const written = [collected(out), collected(err)];
  const code = await run(args, {
    stdin: Object.assign(Readable.from(stdin.length > 0 ? [stdin] : []), { isTTY: terminal }),
    stdout: Object.assign(out, { isTTY: terminal }),
    stderr: err,
    env: { STRATAFS_ROOT: root, ...env },
    now: () => now,
  });
  out.end();
  err.end();
  const [bytes, errors] = await Promise.all(written);
  return { code, stdout: bytes!.toString(), stderr: errors!.toString(), bytes: bytes! };
}
