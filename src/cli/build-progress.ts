/**
 * How a build is shown while it goes on: as a drawing, as lines, as JSON, or not at all.
 */
import type { BuildEvent } from "../build/log.ts";
import type { Context } from "./context.ts";
import { Failure } from "./failure.ts";

export interface BuildView {
  see(event: BuildEvent): void;
  /** The build has ended; what is shown stays. */
  end(): void;
}

const FLAG_ERROR = 125;
const SIZE = { columns: 80, rows: 24 };

/**
 * @param mode `auto`, `plain`, `tty`, `rawjson`, `json`, `quiet`
 * @throws Failure for a mode that there is none of
 */
export async function buildView(context: Pick<Context, "terminal">, mode: string): Promise<BuildView> {
  const stream = context.terminal.stderr;
  const write = (text: string) => void stream.write(text);
  switch (mode) {
    case "quiet":
      return { see() {}, end() {} };
    case "rawjson":
    case "json":
      return (await import("./build-json.ts")).jsonView(write);
    case "plain":
      return (await import("./build-plain.ts")).plainView(write);
    case "auto":
    case "tty": {
      if (mode === "auto" && stream.isTTY !== true) return await buildView(context, "plain");
      const size = stream as Partial<typeof SIZE>;
      const screen = {
        write,
        get columns() {
          return size.columns ?? SIZE.columns;
        },
        get rows() {
          return size.rows ?? SIZE.rows;
        },
        now: Date.now,
      };
      return (await import("./build-tty.ts")).ttyView(screen);
    }
    default:
      throw new Failure(`invalid progress mode: ${mode}`, FLAG_ERROR);
  }
}
