/**
 * What a command works with: the streams, the environment, the clock and the store.
 */

import type { ByteStream } from "../platform/types.ts";
import type { Store } from "../runtime/store.ts";
import { drained } from "../store/back-pressure.ts";

/** The process as a command sees it; a test gives another one. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean; destroy?(): unknown };
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  now(): number;
}

export class Context {
  readonly terminal: Terminal;
  /** What `--root` gave. */
  root: string | undefined;
  /** What a command ends with that goes on after errors. */
  exitCode = 0;
  #store: Promise<Store> | undefined;

  constructor(terminal: Terminal) {
    this.terminal = terminal;
  }

  /** Standard input as bytes: nobody sets an encoding for it. */
  get input(): ByteStream {
    return this.terminal.stdin as AsyncIterable<unknown> as ByteStream;
  }

  /** The store, opened when first asked for. */
  store(): Promise<Store> {
    this.#store ??= import("../runtime/store.ts").then(({ Store }) =>
      Store.open(this.root, {
        env: this.terminal.env,
        warn: (message) => this.complain(`WARNING: ${message}`),
      }),
    );
    return this.#store;
  }

  async close(): Promise<void> {
    const store = await this.#store?.catch(() => undefined);
    await store?.close();
  }

  /** Writes to standard output and waits while its reader is slow. */
  async write(output: string | Uint8Array): Promise<void> {
    const { stdout } = this.terminal;
    if (output.length === 0 || stdout.write(output)) return;
    await drained(stdout);
  }

  async print(line: string): Promise<void> {
    await this.write(`${line}\n`);
  }

  complain(message: string): void {
    this.terminal.stderr.write(`${message}\n`);
  }
}
