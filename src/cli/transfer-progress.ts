/**
 * How transfers of layers are shown: each change of state on a line of its own, as Docker writes to a pipe;
 * or, on a terminal, one line a layer that lives while its bytes move.
 */
import type { TransferEvent } from "../registry/progress.ts";
import type { Context } from "./context.ts";
import { humanSize } from "./units.ts";

export interface TransferProgress {
  observe(event: TransferEvent): void;
  /** Waits until everything was written, and leaves the terminal as it is. */
  end(): Promise<void>;
}

const WIDTH = 50;
/** A bar is drawn again at most this often, in milliseconds. */
const INTERVAL = 100;

function lines(context: Context): TransferProgress {
  let written = Promise.resolve();
  return {
    observe({ id, status, current }) {
      if (current !== undefined) return;
      written = written.then(() => context.print(`${id}: ${status}`));
    },
    end: () => written,
  };
}

function bar({ id, status, current, total }: TransferEvent, columns: number): string {
  if (current === undefined || total === undefined) return `${id}: ${status}`;
  const filled = total === 0 ? WIDTH : Math.floor((current / total) * WIDTH);
  const drawn = `[${"=".repeat(Math.max(filled - 1, 0))}>${" ".repeat(WIDTH - Math.max(filled, 1))}]`;
  const amount = `${humanSize(current)}/${humanSize(total)}`;
  const wide = `${id}: ${status} ${drawn}  ${amount}`;
  return wide.length < columns ? wide : `${id}: ${status} ${amount}`.slice(0, columns - 1);
}

/** One line for each layer, rewritten in place. */
function bars(context: Context): TransferProgress {
  const { stdout } = context.terminal;
  const columns = (stdout as NodeJS.WritableStream & { readonly columns?: number }).columns ?? 80;
  const events = new Map<string, TransferEvent>();
  let drawn = 0;
  let last = 0;
  function draw(): void {
    last = Date.now();
    const up = drawn === 0 ? "" : `\u001b[${drawn}A`;
    const text = [...events.values()].map((event) => `\r\u001b[2K${bar(event, columns)}\n`).join("");
    drawn = events.size;
    stdout.write(up + text);
  }
  return {
    observe(event) {
      events.set(event.id, event);
      if (event.current === undefined || Date.now() - last >= INTERVAL) draw();
    },
    async end() {
      if (events.size > 0) draw();
    },
  };
}

/** What shows transfers on a command's standard output. */
export function transferProgress(context: Context): TransferProgress {
  return context.terminal.stdout.isTTY ? bars(context) : lines(context);
}
