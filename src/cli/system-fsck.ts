/**
 * `strata system fsck`: proves that the store is sound, and mends it.
 */
import type { Command } from "commander";
import type { CheckReport } from "../store/check.ts";
import type { Context } from "./context.ts";
import { checkArguments } from "./help.ts";

interface Options {
  readonly repair?: true;
  readonly quiet?: true;
}

const HELP = `
Rehashes every blob, follows every name and every container to all it needs, checks every cache.
Lists temporary files of processes that are gone, and blobs that nothing leads to: neither is a
problem. Other processes may use the store meanwhile. Exit code 0: sound, or mended; 1: not.

--repair removes damaged blobs and caches, names whose manifest is gone, and stray temporary files.

Example:
  strata system fsck --repair
`;

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function lines({ problems, strays, unreferenced, ...counts }: CheckReport): readonly string[] {
  const unsolved = problems.filter(({ repaired }) => !repaired).length;
  return [
    ...problems.map(
      ({ kind, message, repaired }) => `${repaired ? "repaired" : "problem"}: ${kind}: ${message}`,
    ),
    ...strays.map(({ path }) => `stray: ${path}`),
    ...unreferenced.map((digest) => `unreferenced: ${digest}`),
    `${plural(counts.names, "name")}, ${plural(counts.blobs, "blob")}, ${plural(counts.caches, "cache file")}, ${plural(counts.containers, "container")} checked: ${
      problems.length === 0 ? "no problem" : `${plural(problems.length, "problem")}, ${unsolved} left`
    }`,
  ];
}

export function define(command: Command, context: Context): void {
  command
    .option("-q, --quiet", "Print problems only")
    .option("--repair", "Mend what can be mended")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 0, 0);
      const report = await (await context.store()).check({ repair: options.repair ?? false });
      const shown = options.quiet
        ? lines({ ...report, strays: [], unreferenced: [] }).slice(0, -1)
        : lines(report);
      for (const line of shown) await context.print(line);
      if (report.problems.some(({ repaired }) => !repaired)) context.exitCode = 1;
    });
}
