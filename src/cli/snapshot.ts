/**
 * `strata snapshot`: moments of a container, kept under names.
 */
import type { Command } from "commander";
import type { Context } from "./context.ts";
import { daemonError } from "./failure.ts";
import { findContainer } from "./find-container.ts";
import { formatRows } from "./format.ts";
import { checkArguments } from "./help.ts";
import { createdSince, goTime } from "./units.ts";

interface Options {
  readonly rm?: true;
  readonly quiet?: true;
  readonly format?: string;
}

const HEADERS = { Name: "NAME", CreatedSince: "CREATED", CreatedAt: "CREATED AT" };
const COLUMNS = "{{.Name}}\\t{{.CreatedSince}}";

const HELP = `
With a NAME, keeps the container's last commit point under it; without one, lists what is kept. It costs
neither time nor room for what the container holds, only for what it changes afterwards.

Examples:
  strata snapshot work before
  strata restore work before
  strata snapshot --rm work before
`;

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] CONTAINER [NAME...]")
    .option("--format <template>", "Format each line of the list with a Go template, or with 'json'")
    .option("-q, --quiet", "Only list names")
    .option("--rm", "Remove the snapshots of these names")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, options.rm ? 2 : 1, options.rm ? undefined : 2);
      const [containerName = "", ...names] = args;
      const container = await findContainer(context, containerName);
      for (const name of names) {
        await daemonError<unknown>(options.rm ? container.removeSnapshot(name) : container.snapshot(name));
        await context.print(name);
      }
      if (names.length > 0) return;
      const now = context.terminal.now();
      const rows = container.record.snapshots.map(({ name, created }) => ({
        Name: name,
        CreatedSince: createdSince(created, now),
        CreatedAt: goTime(created),
      }));
      const format = options.format ?? (options.quiet ? "{{.Name}}" : "");
      await context.write(formatRows(format, COLUMNS, HEADERS, rows));
    });
}
