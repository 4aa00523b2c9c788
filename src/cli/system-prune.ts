/**
 * `strata system prune`: removes stopped containers, images that nobody needs, and what nothing leads to.
 */
import type { Command } from "commander";
import { collect } from "./collect.ts";
import { confirm } from "./confirm.ts";
import type { Context } from "./context.ts";
import { checkArguments } from "./help.ts";
import { pruneFilter } from "./image-filters.ts";
import { prunedLines } from "./image-prune.ts";
import { humanSize } from "./units.ts";

interface Options {
  readonly all?: true;
  readonly force?: true;
  readonly volumes?: true;
  readonly filter: readonly string[];
}

function warning(all: boolean): string {
  const images = all ? "all images without at least one container associated to them" : "all dangling images";
  return `WARNING! This will remove:
  - all stopped containers
  - ${images}
  - ${all ? "all build cache" : "build cache that no image shares"}
  - all blobs and temporary files that nothing refers to
`;
}

export function define(command: Command, context: Context): void {
  command
    .option("-a, --all", "Remove all images that no container is made of, not just dangling ones")
    .option("--filter <filter>", "Remove only what matches, such as until=TIME", collect, [])
    .option("-f, --force", "Do not ask")
    .option("--volumes", "Accepted for Docker's sake; there are no volumes to remove")
    .argument("[args...]")
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 0, 0);
      const filter = pruneFilter(options.filter, context.terminal.now());
      const all = options.all ?? filter.all;
      if (!options.force && !(await confirm(context, warning(all)))) return;
      const store = await context.store();
      const { pruneBuildCache } = await import("../runtime/build-cache.ts");
      const before = await store.usage();
      const containers = await store.containers.prune(({ record }) =>
        filter.matches(record.created, record.config.Labels),
      );
      const gone = new Set(containers.map(({ id }) => id));
      const freed = before.containers.filter(({ container }) => gone.has(container.id));
      const pruned = await store.pruneImages({ all, wanted: filter.wanted });
      if (containers.length > 0) {
        await context.write(`Deleted Containers:\n${containers.map(({ id }) => `${id}\n`).join("")}\n`);
      }
      const cache = await pruneBuildCache(store, {
        all,
        wanted: ({ used }) => filter.matches(new Date(used).toISOString(), {}),
      });
      if (cache.removed.length > 0) {
        await context.write(
          `Deleted build cache objects:\n${cache.removed.map(({ id }) => `${id}\n`).join("")}\n`,
        );
      }
      const bytes = cache.bytes + pruned.bytes + freed.reduce((sum, { size }) => sum + size, 0);
      await context.write(`${prunedLines(pruned)}Total reclaimed space: ${humanSize(bytes)}\n`);
    });
}
