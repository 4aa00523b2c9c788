/**
 * The driver's end of `kernel/main.py`: starts the process, sends scenarios, gives back outcomes. Answers
 * come in order, so several scenarios may be in flight.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Outcome, Scenario } from "./scenario.ts";

/** `default` and `index` (`index=on,redirect_dir=on`) are overlays; `plain` has the layers merged into a directory. */
export type MountKind = "default" | "index" | "plain";

const PROGRAM = fileURLToPath(new URL("kernel/main.py", import.meta.url));

interface Waiting {
  resolve(outcome: Outcome): void;
  reject(error: Error): void;
}

export class Kernel {
  readonly #child: ChildProcess;
  readonly #waiting: Waiting[] = [];
  #stderr = "";
  #ended = false;
  /** Whether fs.protected_hardlinks is on: not a matter of any filesystem. */
  protectedHardlinks = false;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr?.on("data", (text) => {
      this.#stderr += text;
    });
    // What could not be sent is told by the end of the process.
    child.stdin?.on("error", () => {});
    child.on("close", () => {
      this.#ended = true;
      for (const { reject } of this.#waiting.splice(0)) reject(this.#endedError());
    });
  }

  static async start(): Promise<Kernel> {
    const child = spawn("python3", ["-X", "utf8", "-B", PROGRAM], { stdio: ["pipe", "pipe", "pipe"] });
    const kernel = new Kernel(child);
    const lines = createInterface({ input: child.stdout });
    const hello = new Promise<string>((resolve, reject) => {
      lines.once("line", resolve);
      child.once("exit", () => reject(new Error(`the kernel oracle did not start\n${kernel.#stderr}`)));
    });
    kernel.protectedHardlinks = JSON.parse(await hello).protectedHardlinks === 1;
    lines.on("line", (line) => kernel.#answer(line));
    return kernel;
  }

  #endedError(): Error {
    return new Error(`the kernel oracle ended\n${this.#stderr}`);
  }

  #answer(line: string): void {
    const waiting = this.#waiting.shift();
    const answer = JSON.parse(line) as Outcome & { failed?: string };
    if (answer.failed === undefined) waiting?.resolve(answer);
    else waiting?.reject(new Error(`the kernel oracle failed: ${answer.failed}`));
  }

  /** Runs a scenario on a new mount of one kind. */
  run(mount: MountKind, scenario: Scenario): Promise<Outcome> {
    const line = JSON.stringify({ mount, layers: scenario.layers, operations: scenario.operations });
    if (this.#ended) return Promise.reject(this.#endedError());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.stdin?.write(`${line}\n`);
    });
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    const ended = once(this.#child, "close");
    this.#child.stdin?.end();
    await ended;
  }
}
