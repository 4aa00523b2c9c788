/**
 * `strata image prune`: removes images that nobody needs.
 */
import type { Command } from "commander";
import type { Pruned } from "../runtime/image-prune.ts";
import { collect } from "./collect.ts";
import { confirm } from "./confirm.ts";
import type { Context } from "./context.ts";
import { checkArguments } from "./help.ts";
import { type PruneFilter, pruneFilter } from "./image-filters.ts";
import { humanSize } from "./units.ts";

interface Options {
  readonly all?: true;
  readonly force?: true;
  readonly filter: readonly string[];
}

const DANGLING = "WARNING! This will remove all dangling images.";
const UNUSED = "WARNING! This will remove all images without at least one container associated to them.";

const HELP = `
Dangling are images without a tag. Filters: until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE],
dangling=BOOL (false means --all).

Examples:
  strata image prune
  strata image prune -af --filter until=24h
`;

/** What was removed, as Docker lists it; nothing where that is nothing. */
export function prunedLines({ removals }: Pick<Pruned, "removals">): string {
  if (removals.length === 0) return "";
  const lines = removals.map((removal) =>
    "deleted" in removal ? `deleted: ${removal.deleted}` : `untagged: ${removal.untagged}`,
  );
  return `Deleted Images:\n${lines.join("\n")}\n\n`;
}

export function define(command: Command, context: Context): void {
  command
    .option("-a, --all", "Remove all images that no container is made of, not just dangling ones")
    .option("--filter <filter>", "Remove only images that match, such as until=TIME", collect, [])
    .option("-f, --force", "Do not ask")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 0, 0);
      const filter: PruneFilter = pruneFilter(options.filter, context.terminal.now());
      const all = options.all ?? filter.all;
      let pruned: Pruned = { removals: [], bytes: 0 };
      if (options.force || (await confirm(context, all ? UNUSED : DANGLING))) {
        pruned = await (await context.store()).pruneImages({ all, wanted: filter.wanted });
      }
      await context.write(`${prunedLines(pruned)}Total reclaimed space: ${humanSize(pruned.bytes)}\n`);
    });
}
