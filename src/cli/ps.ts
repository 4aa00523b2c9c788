/**
 * `strata ps`: the containers of the store, as `docker ps` lists them. One is running while some process
 * works in it.
 */
import type { Command } from "commander";
import { collect } from "./collect.ts";
import { containerTest } from "./container-filters.ts";
import { CONTAINER_HEADERS, containerRow } from "./container-row.ts";
import type { Context } from "./context.ts";
import { Failure } from "./failure.ts";
import { formatRows, type Row } from "./format.ts";
import { checkArguments } from "./help.ts";

interface Options {
  readonly all?: true;
  readonly quiet?: true;
  readonly latest?: true;
  readonly last?: string;
  /** `--no-trunc` gives false. */
  readonly trunc: boolean;
  readonly filter: readonly string[];
  readonly format?: string;
  readonly size?: true;
}

const COLUMNS =
  "{{.ID}}\\t{{.Image}}\\t{{.Command}}\\t{{.RunningFor}}\\t{{.Status}}\\t{{.Ports}}\\t{{.Names}}";

const FILTERS = ["ancestor", "before", "exited", "id", "label", "name", "since", "status", "volume"];

const HELP = `
Examples:
  strata ps -a
  strata ps -a --filter status=exited --format '{{.Names}}: {{.Status}}'
`;

function lastCount({ last, latest }: Options): number | undefined {
  if (latest) return 1;
  if (last === undefined) return undefined;
  if (/^-?[0-9]+$/.test(last)) return Number(last);
  throw new Failure(
    `invalid argument "${last}" for "-n, --last" flag: strconv.ParseInt: parsing "${last}": invalid syntax`,
    125,
  );
}

export function define(command: Command, context: Context): void {
  command
    .option("-a, --all", "Show all containers (only those in use are shown otherwise)")
    .option("-f, --filter <filter>", "Show only containers that match, such as name=NAME", collect, [])
    .option("--format <template>", "Format each line with a Go template, or with 'json'")
    .option("-n, --last <n>", "Show the n containers made last, in use or not")
    .option("-l, --latest", "Show the container made last, in use or not")
    .option("--no-trunc", "Don't truncate output")
    .option("-q, --quiet", "Only show container IDs")
    .option("-s, --size", "Show how much the containers hold")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 0, 0);
      const store = await context.store();
      const now = context.terminal.now();
      const all = await store.containers.list();
      const count = lastCount(options);
      const test = await containerTest(options.filter, FILTERS, { store, all, now });
      const asked = options.filter.some((filter) => /^(status|exited)=/.test(filter));
      const shown = all.filter(
        (container) =>
          (options.all || asked || (count ?? -1) >= 0 || container.status.kind === "running") &&
          test(container),
      );
      const listed = count !== undefined && count >= 0 ? shown.slice(0, count) : shown;
      const format = options.format ?? "";
      const size = options.size === true || format.includes(".Size");
      const rows: Row[] = [];
      for (const container of listed) {
        rows.push(await containerRow(store, container, { truncate: options.trunc, size, now }));
      }
      if (options.quiet && format === "") {
        return await context.write(rows.map(({ ID }) => `${ID}\n`).join(""));
      }
      const columns = options.size ? `${COLUMNS}\\t{{.Size}}` : COLUMNS;
      await context.write(formatRows(format, columns, CONTAINER_HEADERS, rows));
    });
}
