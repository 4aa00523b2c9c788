/**
 * How transfers of layers are shown on a command's standard output: a bar for each layer on a terminal;
 * elsewhere each change of state on a line of its own, as Docker writes to a pipe.
 */
import type { TransferEvent } from "../registry/progress.ts";
import type { Context } from "./context.ts";
import { createProgress, type ProgressTask } from "./progress.ts";

export interface TransferProgress {
  observe(event: TransferEvent): void;
  /** Leaves the bars as they are. */
  end(): Promise<void>;
}

/** Bars are not worth drawing for what is done at once, in milliseconds. */
const DELAY = 100;

export function transferProgress(context: Context): TransferProgress {
  const { stdout } = context.terminal;
  const progress = createProgress(stdout, { delay: DELAY, lines: true });
  const layers = new Map<string, { readonly task: ProgressTask; done: number }>();
  return {
    observe({ id, status, current, total }) {
      // Bytes move too often for a line each.
      if (current !== undefined && !stdout.isTTY) return;
      const layer = layers.get(id) ?? { task: progress.task(id), done: 0 };
      layers.set(id, layer);
      layer.task.status(status);
      if (current === undefined) return;
      // What is sent again after a failure goes back on the bar.
      layer.task.advance(current - layer.done, total);
      layer.done = current;
    },
    end: () => progress.stop(true),
  };
}
