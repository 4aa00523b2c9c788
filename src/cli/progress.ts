/**
 * Showing how far things have come.
 *
 * On a terminal each task is a bar, or a count of bytes where its end is not known, drawn once the whole
 * has taken `delay`; elsewhere a task is a line for each status it takes, or nothing at all. What the bars
 * were drawn over is clean again after `stop`.
 *
 *     const progress = createProgress(context.terminal.stderr);
 *     const task = progress.task("layer 1", 1_000_000);
 *     task.advance(65_536);
 *     task.status("Pull complete");
 *     await progress.stop();
 */
import type { MultiBar, SingleBar } from "cli-progress";
import { humanSize } from "./units.ts";

type Output = NodeJS.WritableStream & { readonly isTTY?: boolean };

export interface ProgressOptions {
  /** Milliseconds until bars are shown; 1000 unless given. Lines are never held back. */
  readonly delay?: number;
  /** Write a line `NAME: STATUS` for each status where there is no terminal; otherwise nothing is. */
  readonly lines?: boolean;
}

/** One thing that goes on: a layer that is fetched, an archive that is written. */
export interface ProgressTask {
  /** Says what is being done: `Downloading`, `Pull complete`. A status that it has already changes nothing. */
  status(text: string): void;
  /** Tells of bytes that were done since the last time, and how many there are, once that is known. */
  advance(bytes: number, total?: number): void;
}

export interface Progress {
  /** @param total bytes that are to be done, where that is known */
  task(name: string, total?: number): ProgressTask;
  /** Passes a stream on and counts it in a task. */
  counted(task: ProgressTask, bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /** Ends all tasks: bars stay with their last status where `keep`, else they vanish. */
  stop(keep?: boolean): Promise<void>;
}

interface State {
  readonly name: string;
  status: string;
  done: number;
  total: number | undefined;
  bar: SingleBar | undefined;
}

const DELAY = 1000;
const BAR_WIDTH = 30;
const FULL = 1000;

async function* count(task: ProgressTask, bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const chunk of bytes) {
    yield chunk;
    task.advance(chunk.length);
  }
}

function amounts({ done, total }: State): string {
  return total === undefined ? humanSize(done) : `${humanSize(done)}/${humanSize(total)}`;
}

/** How much of a bar is filled. A task without a known end has an empty one. */
function filled({ done, total }: State): number {
  return total === undefined || total === 0 ? 0 : Math.min(FULL, Math.round((done / total) * FULL));
}

function bars(stream: Output, delay: number): Progress {
  const states: State[] = [];
  let all: MultiBar | undefined;
  let shown: Promise<void> | undefined;
  const draw = (state: State) => {
    const payload = { name: state.name, status: state.status, amounts: amounts(state) };
    if (state.bar === undefined) state.bar = all?.create(FULL, filled(state), payload);
    else state.bar.update(filled(state), payload);
  };
  const show = async () => {
    const { MultiBar } = await import("cli-progress");
    all = new MultiBar({
      stream,
      format: "{name}: {status} [{bar}] {amounts}",
      barCompleteChar: "=",
      barIncompleteChar: " ",
      barGlue: ">",
      barsize: BAR_WIDTH,
      hideCursor: true,
      clearOnComplete: false,
      gracefulExit: false,
    });
    states.forEach(draw);
  };
  const timer = setTimeout(() => {
    shown = show();
  }, delay);
  timer.unref();
  return {
    task(name, total) {
      const state: State = { name, status: "", done: 0, total, bar: undefined };
      states.push(state);
      draw(state);
      return {
        status(text) {
          state.status = text;
          draw(state);
        },
        advance(bytes, known) {
          state.done += bytes;
          state.total = known ?? state.total;
          draw(state);
        },
      };
    },
    counted: count,
    async stop(keep = false) {
      clearTimeout(timer);
      await shown;
      if (all === undefined) return;
      if (!keep) for (const { bar } of states) if (bar !== undefined) all.remove(bar);
      all.stop();
      all = undefined;
    },
  };
}

function lines(stream: Output, wanted: boolean): Progress {
  return {
    task(name) {
      let last: string | undefined;
      return {
        status(text) {
          if (wanted && text !== last) stream.write(`${name}: ${text}\n`);
          last = text;
        },
        advance() {},
      };
    },
    counted: count,
    async stop() {},
  };
}

/** Progress on a stream, in the form that suits it. */
export function createProgress(stream: Output, options: ProgressOptions = {}): Progress {
  return stream.isTTY === true ? bars(stream, options.delay ?? DELAY) : lines(stream, options.lines ?? false);
}
