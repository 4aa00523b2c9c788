/**
 * `strata history`: how an image was made, as `docker history` tells it.
 */
import type { Command } from "commander";
import { type Digest, shortDigest } from "../oci/digest.ts";
import { stepImages } from "../runtime/ancestors.ts";
import type { HistoryRow } from "../runtime/image.ts";
import { withShownTag } from "../store/resolve.ts";
import type { Context } from "./context.ts";
import { isNoSuchImage, refused } from "./failure.ts";
import { formatRows, type Row } from "./format.ts";
import { checkArguments } from "./help.ts";
import { shownCommand } from "./table.ts";
import { createdAt, createdSince, humanSize } from "./units.ts";

interface Options {
  readonly human?: string | boolean;
  readonly trunc: boolean;
  readonly quiet?: true;
  readonly format?: string;
}

const HEADERS = {
  ID: "IMAGE",
  CreatedSince: "CREATED",
  CreatedAt: "CREATED AT",
  CreatedBy: "CREATED BY",
  Size: "SIZE",
  Comment: "COMMENT",
};

const HUMAN_COLUMNS = "{{.ID}}\\t{{.CreatedSince}}\\t{{.CreatedBy}}\\t{{.Size}}\\t{{.Comment}}";
const COLUMNS = HUMAN_COLUMNS.replace("CreatedSince", "CreatedAt");
const QUIET = "{{.ID}}";
const MISSING = "<missing>";
function rowOf(row: HistoryRow, id: Digest | undefined, human: boolean, truncate: boolean, now: number): Row {
  const { entry, size } = row;
  return {
    Comment: entry.comment ?? "",
    CreatedAt: createdAt(entry.created),
    CreatedBy: shownCommand(entry.created_by ?? "", truncate),
    CreatedSince: createdSince(entry.created, now),
    ID: id === undefined ? MISSING : truncate ? shortDigest(id) : id,
    Size: human ? humanSize(size) : String(size),
  };
}

/** A flag that may be given a truth: `-H`, `-H=false`, `--human`, `--human=false`. */
function truth(value: string | boolean | undefined): boolean {
  return value === undefined || value === true || !/^=?(0|false|False|FALSE|f|F)$/.test(String(value));
}

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] IMAGE")
    .option("--format <template>", "Format each line with a Go template, or with 'json'")
    .option("-H, --human [bool]", "Print sizes and dates in human readable format (default true)")
    .option("--no-trunc", "Don't truncate output")
    .option("-q, --quiet", "Only show image IDs")
    .argument("[args...]")
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 1, 1);
      const name = args[0]!;
      const store = await context.store();
      const image = await store.image(name).catch((error: unknown) => {
        throw isNoSuchImage(error) ? refused(`No such image: ${withShownTag(name)}`) : error;
      });
      const human = truth(options.human);
      const stored = (await store.images()).map((candidate) => candidate.image);
      const ids = stepImages(image, stored);
      const rows = (await image.history())
        .map((step, i) => rowOf(step, ids[i], human, options.trunc, context.terminal.now()))
        .reverse();
      const format = options.format ?? "";
      if (options.quiet && format === "") {
        return await context.write(rows.map((row) => `${String(row.ID)}\n`).join(""));
      }
      const columns = options.quiet ? QUIET : human ? HUMAN_COLUMNS : COLUMNS;
      await context.write(formatRows(format, columns, HEADERS, rows));
    });
}
