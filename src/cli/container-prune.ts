/**
 * `strata container prune`: every container away that nobody works in.
 */
import type { Command } from "commander";
import { collect } from "./collect.ts";
import { confirm } from "./confirm.ts";
import { containerTest } from "./container-filters.ts";
import { containerSizes } from "./container-row.ts";
import type { Context } from "./context.ts";
import { daemonError } from "./failure.ts";
import { checkArguments } from "./help.ts";
import { humanSize } from "./units.ts";

interface Options {
  readonly force?: true;
  readonly filter: readonly string[];
}

const FILTERS = ["label", "label!", "until"];

export function define(command: Command, context: Context): void {
  command
    .option("-f, --force", "Do not ask for confirmation")
    .option("--filter <filter>", "Remove only containers that match, such as until=24h", collect, [])
    .argument("[args...]")
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 0, 0);
      const store = await context.store();
      const all = await store.containers.list();
      const around = { store, all, now: context.terminal.now() };
      const test = await containerTest(options.filter, FILTERS, around);
      const warning = "WARNING! This will remove all stopped containers.";
      if (!options.force && !(await confirm(context, warning))) return;
      const sizes = new Map<string, number>();
      for (const container of all) {
        if (!test(container)) continue;
        const own = await containerSizes(container).then(
          (size) => size.own,
          () => 0,
        );
        sizes.set(container.id, own);
      }
      const removed = await daemonError(store.containers.prune(test));
      const ids = removed.map(({ id }) => id);
      if (ids.length > 0) await context.print(`Deleted Containers:\n${ids.join("\n")}\n`);
      const reclaimed = ids.reduce((sum, id) => sum + (sizes.get(id) ?? 0), 0);
      await context.print(`Total reclaimed space: ${humanSize(reclaimed)}`);
    });
}
