/**
 * Plays a sequence on one filesystem and tells what came of each step and of the tree.
 */
import { pathToFileURL } from "node:url";
import { callable, type Outcome } from "../../vfs/call.ts";
import { type ComparableError, comparable, type Ground, treeOf } from "../../vfs/ground.ts";
import { type Arg, SLOTS, type Step } from "./step.ts";
import { uses } from "./uses.ts";

type Handle = Awaited<ReturnType<Ground["fs"]["promises"]["open"]>>;

export interface Played {
  readonly outcomes: readonly Outcome[];
  /** For each step, the names in the tree whose time of change is that of the step. */
  readonly touched: readonly (readonly string[])[];
  readonly tree: readonly string[];
}

/** Steps give files no time from here on (milliseconds), and the clock none before. */
const BEGINNING = 1.7e12;
/** What no step gives (seconds). */
const LONG_AGO = 1_100_000_001;

/** What a slot gives that holds no descriptor: a number that no process has open. */
export const NO_DESCRIPTOR = 99_999;

/** Names in the order of their text: a filesystem may list them in any. */
function ordered(given: unknown): unknown {
  if (!Array.isArray(given)) return given;
  return given.map((item) => JSON.stringify(item)).sort();
}

class Player {
  readonly #ground: Ground;
  readonly #descriptors: (number | undefined)[] = Array.from({ length: SLOTS });
  readonly #handles: (Handle | undefined)[] = Array.from({ length: SLOTS });
  readonly #opened: number[] = [];
  readonly #openedHandles: Handle[] = [];

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  #value(arg: Arg): unknown {
    switch (arg.kind) {
      case "path": {
        const path = `${this.#ground.root}/${arg.path}`;
        return arg.as === "string" ? path : arg.as === "buffer" ? Buffer.from(path) : pathToFileURL(path);
      }
      case "descriptor":
        return this.#descriptors[arg.slot] ?? NO_DESCRIPTOR;
      case "bytes":
        return Buffer.from(arg.text);
      case "space":
        return Buffer.alloc(arg.length);
      case "date":
        return new Date(arg.ms);
      case "value":
        // Whoever is called may change it.
        return structuredClone(arg.value);
    }
  }

  async step(step: Step): Promise<Outcome> {
    const args = step.args.map((arg) => this.#value(arg));
    const outcome = await this.#call(step, args);
    const read = args.filter((_, at) => step.args[at]?.kind === "space").map((space) => comparable(space));
    return read.length === 0 ? outcome : { ...outcome, more: [...(outcome.more ?? []), ...read] };
  }

  async #call(step: Step, args: readonly unknown[]): Promise<Outcome> {
    const { fs } = this.#ground;
    switch (step.on) {
      case "fs": {
        const make = callable(fs, step.form, step.name);
        if (make === undefined) return { value: "no such form" };
        if (step.name === "copyFile" && losesTarget(fs, args)) return { value: "left out" };
        if (step.name === "close") this.#forget(args[0]);
        const anyOrder = step.name === "readdir";
        return make(args, (given) => {
          if (step.into !== undefined && given !== undefined) return this.#keep(step.into, given);
          return anyOrder ? ordered(comparable(given)) : comparable(given);
        });
      }
      case "handle": {
        const handle = this.#handles[step.slot];
        if (handle === undefined) return { value: "no handle" };
        const method = (handle as unknown as { [name: string]: (...args: unknown[]) => unknown })[step.name]!;
        return settled(() => method.apply(handle, [...args]));
      }
      case "use":
        return settled(() => uses[step.name](fs, ...(args as never[])));
    }
  }

  /** Keeps what `open` gave; its number is its own. */
  #keep(slot: number, given: unknown): string {
    if (typeof given === "number") {
      this.#opened.push(given);
      this.#descriptors[slot] = given;
      return "a descriptor";
    }
    this.#openedHandles.push(given as Handle);
    this.#handles[slot] = given as Handle;
    return "a handle";
  }

  /** A closed number may be another's tomorrow. */
  #forget(fd: unknown): void {
    const at = this.#opened.indexOf(fd as number);
    if (at >= 0) this.#opened.splice(at, 1);
    this.#descriptors.forEach((each, slot) => {
      if (each === fd) this.#descriptors[slot] = undefined;
    });
  }

  /**
   * The names whose time of change a step set, in order. They get an old one, so that the next step that
   * sets one shows, however fast it follows; a time that a step gave stays.
   */
  touched(): string[] {
    const { fs, root } = this.#ground;
    const names: string[] = [];
    const visit = (path: string) => {
      try {
        const stat = fs.lstatSync(path);
        if (stat.isDirectory()) for (const inner of fs.readdirSync(path).sort()) visit(`${path}/${inner}`);
        if (stat.mtimeMs < BEGINNING) return;
        names.push(path.slice(root.length + 1));
        fs.lutimesSync(path, LONG_AGO, LONG_AGO);
      } catch {
        // What may not be looked into tells nothing.
      }
    };
    visit(root);
    return names;
  }

  async end(): Promise<void> {
    for (const fd of this.#opened) this.#ground.fs.closeSync(fd);
    for (const handle of this.#openedHandles) await handle.close();
  }
}

/** Whether Node would remove the target of a copy that cannot be made, which ours leaves (`test/vfs`). */
function losesTarget(fs: Ground["fs"], [from, to]: readonly unknown[]): boolean {
  try {
    return fs.statSync(from as string).isDirectory() && fs.existsSync(to as string);
  } catch {
    return false;
  }
}

async function settled(call: () => unknown): Promise<Outcome> {
  try {
    return { value: comparable(await call()) };
  } catch (error) {
    return { error: comparable(error) as ComparableError };
  }
}

export async function play(ground: Ground, steps: readonly Step[]): Promise<Played> {
  const player = new Player(ground);
  const outcomes: Outcome[] = [];
  const touched: string[][] = [];
  for (const step of steps) {
    outcomes.push(await player.step(step));
    touched.push(player.touched());
  }
  await player.end();
  return { outcomes, touched, tree: treeOf(ground.fs, ground.root) };
}
