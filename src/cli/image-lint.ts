/**
 * `strata image lint`: what is odd or wasteful in an image's layers.
 */
import type { Command } from "commander";
import { shortDigest } from "../oci/digest.ts";
import type { LintFinding } from "../runtime/image-lint.ts";
import type { Context } from "./context.ts";
import { formatRows, type Row } from "./format.ts";
import { checkArguments } from "./help.ts";
import { findImage, shownName } from "./image-files.ts";
import { humanSize } from "./units.ts";

interface Options {
  readonly format?: string;
}

const HEADERS = { Layer: "LAYER", DiffID: "DIFF ID", Rule: "RULE", Path: "PATH", Message: "MESSAGE" };
const COLUMNS = "{{.Layer}}\\t{{.DiffID}}\\t{{.Rule}}\\t{{.Path}}\\t{{.Message}}";

const HELP = `
Rules: duplicate, whiteout, device-0-0, overlay-xattr, hidden, setuid, world-writable.
'hidden' is a file that a later layer hides or replaces; what that wastes is summed up by layer.
--format also has .Wasted, in bytes.
Exit code 0: nothing was found; 1: something was, or there is no such image.

Example:
  strata image lint debian:12
`;

function rowOf(finding: LintFinding, terminal: boolean): Row {
  const wasted = finding.wasted === 0 ? "" : ` (${humanSize(finding.wasted)})`;
  return {
    Layer: String(finding.layer + 1),
    DiffID: shortDigest(finding.diffID),
    Rule: finding.rule,
    Path: Buffer.from(shownName(finding.path, terminal)).toString(),
    Message: `${finding.message}${wasted}`,
    Wasted: finding.wasted,
  };
}

/** What each layer stores for nothing. */
function wasted(findings: readonly LintFinding[]): readonly string[] {
  const byLayer = new Map<number, number>();
  for (const { layer, wasted: bytes } of findings) {
    if (bytes > 0) byLayer.set(layer, (byLayer.get(layer) ?? 0) + bytes);
  }
  return [...byLayer].map(([layer, bytes]) => `layer ${layer + 1} wastes ${humanSize(bytes)}`);
}

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] IMAGE")
    .option("--format <template>", "Format each line with a Go template, or with 'json'")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 1, 1);
      const image = await findImage(context, args[0]!);
      const { lintImage } = await import("../runtime/image-lint.ts");
      const findings = await lintImage(image);
      if (findings.length === 0) return;
      const terminal = context.terminal.stdout.isTTY === true;
      const rows = findings.map((finding) => rowOf(finding, terminal));
      await context.write(formatRows(options.format ?? "", COLUMNS, HEADERS, rows));
      if (options.format === undefined) for (const line of wasted(findings)) await context.print(line);
      context.exitCode = 1;
    });
}
