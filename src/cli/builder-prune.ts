/**
 * `strata builder prune`: removes what builds keep for later ones.
 */
import type { Command } from "commander";
import type { CachedBuild } from "../runtime/build-cache.ts";
import { collect } from "./collect.ts";
import { confirm } from "./confirm.ts";
import type { Context } from "./context.ts";
import { Failure } from "./failure.ts";
import { checkArguments } from "./help.ts";
import { pruneFilter } from "./image-filters.ts";
import { humanSize } from "./units.ts";

interface Options {
  readonly all?: true;
  readonly force?: true;
  readonly filter: readonly string[];
  readonly keepStorage?: string;
}

const FLAG_ERROR = 125;
const DANGLING = "WARNING! This will remove all dangling build cache.";
const ALL = "WARNING! This will remove all build cache.";

const HELP = `
Dangling is what no image of the store shares. Filters: until=TIME, by when an entry was last of use.

Examples:
  strata builder prune
  strata builder prune -af --filter until=24h
  strata builder prune --keep-storage 10GB
`;

const UNITS = ["b", "k", "m", "g", "t"];

/** A size in bytes: `512MB`, `10g`; units are powers of 1000, as sizes are shown. */
function sizeOf(text: string | undefined): number {
  if (text === undefined) return 0;
  const match = /^([0-9]+(?:\.[0-9]+)?)\s*([bkmgt]?)b?$/i.exec(text);
  if (match === null) {
    throw new Failure(
      `invalid argument "${text}" for "--keep-storage" flag: invalid size: '${text}'`,
      FLAG_ERROR,
    );
  }
  return Number(match[1]) * 1000 ** Math.max(0, UNITS.indexOf(match[2]!.toLowerCase() || "b"));
}

export function define(command: Command, context: Context): void {
  command
    .option("-a, --all", "Remove all of it, also what images share")
    .option("--filter <filter>", "Remove only what matches: until=TIME", collect, [])
    .option("-f, --force", "Do not ask")
    .option("--keep-storage <bytes>", "Keep this much of what was used last")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 0, 0);
      const filter = pruneFilter(options.filter, context.terminal.now());
      const keepStorage = sizeOf(options.keepStorage);
      const all = options.all ?? false;
      let removed: readonly CachedBuild[] = [];
      let bytes = 0;
      if (options.force || (await confirm(context, all ? ALL : DANGLING))) {
        const { pruneBuildCache } = await import("../runtime/build-cache.ts");
        const wanted = ({ used }: CachedBuild) => filter.matches(new Date(used).toISOString(), {});
        ({ removed, bytes } = await pruneBuildCache(await context.store(), { all, keepStorage, wanted }));
      }
      const lines = removed.map(({ id }) => `${id}\n`).join("");
      const list = lines === "" ? "" : `Deleted build cache objects:\n${lines}\n`;
      await context.write(`${list}Total reclaimed space: ${humanSize(bytes)}\n`);
    });
}
