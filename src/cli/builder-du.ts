/**
 * `strata builder du`: what the build cache holds.
 */
import type { Command } from "commander";
import { listBuildCache } from "../runtime/build-cache.ts";
import type { Context } from "./context.ts";
import { formatRows } from "./format.ts";
import { checkArguments } from "./help.ts";
import { createdSince, humanSize } from "./units.ts";

interface Options {
  readonly format?: string;
}

const HEADERS = {
  ID: "ID",
  Type: "TYPE",
  Size: "SIZE",
  Shared: "SHARED",
  LastUsed: "LAST USED",
  Description: "DESCRIPTION",
};
const COLUMNS = "{{.ID}}\\t{{.Type}}\\t{{.Size}}\\t{{.Shared}}\\t{{.LastUsed}}\\t{{.Description}}";
const SHOWN_ID = 12;
const SHOWN_TEXT = 60;

export function define(command: Command, context: Context): void {
  command
    .option("--format <template>", "Format each line with a Go template, or with 'json'")
    .argument("[args...]")
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 0, 0);
      const entries = await listBuildCache(await context.store());
      const now = context.terminal.now();
      const rows = entries.map(({ id, kind, size, shared, used, description }) => {
        const text = description.replaceAll("\n", " ");
        return {
          ID: id.replace(/^sha256:/, "").slice(0, SHOWN_ID),
          Type: kind,
          Size: humanSize(size),
          Shared: String(shared),
          LastUsed: createdSince(new Date(used).toISOString(), now),
          Description: text.length <= SHOWN_TEXT ? text : `${text.slice(0, SHOWN_TEXT - 1)}…`,
        };
      });
      await context.write(formatRows(options.format ?? "", COLUMNS, HEADERS, rows));
      if (options.format !== undefined) return;
      const total = entries.reduce((sum, { size }) => sum + size, 0);
      const free = entries.reduce((sum, { size, shared }) => sum + (shared ? 0 : size), 0);
      await context.write(`\nReclaimable: ${humanSize(free)}\nTotal: ${humanSize(total)}\n`);
    });
}
