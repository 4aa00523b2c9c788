/**
 * `strata whence`: which layers of an image have to do with a path, and whose version one sees.
 */
import type { Command } from "commander";
import { historySteps } from "../oci/config.ts";
import { shortDigest } from "../oci/digest.ts";
import type { Image } from "../runtime/image.ts";
import type { Whence } from "../union/whence.ts";
import type { Context } from "./context.ts";
import { checkArguments } from "./help.ts";
import { absolute, findImage, mountOf, reason, shownName } from "./image-files.ts";
import { alignColumns, shownCommand } from "./table.ts";

const HELP = `
Each line is something that a layer did to the path, the oldest first:
  put        the layer has the file
  linked     the layer has it as a hard link
  implied    the layer has something below it, and so made the directory
  whiteout   the layer deletes it
  opaque     the layer hides all that the directory had
  ancestor   the layer deletes or replaces a directory above it
An asterisk marks the layer whose version one sees. A path that is gone is answered too.

Example:
  strata whence debian:12 /etc/os-release
`;

/** The command that made each layer, from the image's history. */
function commands(image: Image): ReadonlyMap<number, string> {
  const made = new Map<number, string>();
  for (const { entry, layer } of historySteps(image.config)) {
    if (layer !== undefined) made.set(layer, entry.created_by ?? "");
  }
  return made;
}

function lines(whence: Whence, image: Image): readonly string[] {
  const made = commands(image);
  const rows = whence.events.flatMap(({ layer, kind }, i) => {
    if (layer === "upper") return [];
    const isSeen = whence.exists && layer === whence.winner && i === whence.events.length - 1;
    const diffID = image.layers[layer]?.diffID;
    const id = diffID === undefined ? "" : shortDigest(diffID);
    return [
      `${layer + 1}${isSeen ? " *" : ""}\t${id}\t${kind}\t${shownCommand(made.get(layer) ?? "", true)}`,
    ];
  });
  return alignColumns(["LAYER\tDIFF ID\tCHANGE\tCREATED BY", ...rows]);
}

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] IMAGE PATH [PATH...]")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[]) => {
      checkArguments(command, args.length, 2);
      const image = await findImage(context, args[0]!);
      const mount = await mountOf(image);
      const terminal = context.terminal.stdout.isTTY === true;
      for (const [i, path] of args.slice(1).entries()) {
        try {
          const whence = mount.whence(absolute(path));
          if (whence.events.length === 0 && !whence.exists) {
            throw new Error("No layer ever had it");
          }
          const title = Buffer.concat([
            Buffer.from(i > 0 ? "\n" : ""),
            shownName(whence.path, terminal),
            Buffer.from(whence.exists ? "\n" : " (gone)\n"),
          ]);
          await context.write(title);
          for (const line of lines(whence, image)) await context.print(line);
        } catch (error) {
          context.complain(`whence: ${path}: ${reason(error)}`);
          context.exitCode = 1;
        }
      }
    });
}
