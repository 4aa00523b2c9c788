/**
 * `strata image diff`: what shows differently in two images.
 */
import type { Command } from "commander";
import { shortDigest } from "../oci/digest.ts";
import type { ImageDifference } from "../runtime/image-diff.ts";
import type { Context } from "./context.ts";
import { formatRows, type Row } from "./format.ts";
import { checkArguments } from "./help.ts";
import { findImage, shownName } from "./image-files.ts";

interface Options {
  readonly format?: string;
}

const HEADERS = {
  Change: "CHANGE",
  Type: "TYPE",
  Size: "SIZE",
  Content: "CONTENT",
  Layer: "LAYER",
  Path: "PATH",
};
const COLUMNS = "{{.Change}}\\t{{.Type}}\\t{{.Size}}\\t{{.Content}}\\t{{.Layer}}\\t{{.Path}}";
const LETTERS = { added: "A", modified: "C", deleted: "D" } as const;

const HELP = `
A is only in the second image, D only in the first, C in both and different. CONTENT is the beginning of
the sha256 of a file's bytes, LAYER that of the diffID of the layer that brought it, or took it away.
--format also has .ContentDigest and .LayerDigest in full.
Exit code 0: the images show the same; 1: they differ, or one is missing.

Example:
  strata image diff debian:12 me/debian:edited
`;

function rowOf(change: ImageDifference, terminal: boolean): Row {
  const { content, layer } = change;
  return {
    Change: LETTERS[change.kind],
    Type: change.type,
    Size: String(change.size),
    Content: content === undefined ? "-" : content.slice(7, 19),
    ContentDigest: content ?? "",
    Layer: layer === undefined ? "-" : shortDigest(layer),
    LayerDigest: layer ?? "",
    Path: Buffer.from(shownName(change.path, terminal)).toString(),
  };
}

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] IMAGE IMAGE")
    .option("--format <template>", "Format each line with a Go template, or with 'json'")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 2, 2);
      const [first, second] = [await findImage(context, args[0]!), await findImage(context, args[1]!)];
      const { diffImages } = await import("../runtime/image-diff.ts");
      const rows: Row[] = [];
      const terminal = context.terminal.stdout.isTTY === true;
      for await (const change of diffImages(first, second)) rows.push(rowOf(change, terminal));
      if (rows.length === 0) return;
      await context.write(formatRows(options.format ?? "", COLUMNS, HEADERS, rows));
      context.exitCode = 1;
    });
}
