/**
 * `strata rmi`: removes images, or names of images (STORE-AND-CLI 3.4).
 */
import type { Command } from "commander";
import { parseReference } from "../oci/reference.ts";
import type { Context } from "./context.ts";
import { Failure, isNoSuchImage, messageOf } from "./failure.ts";
import { checkArguments } from "./help.ts";

interface Options {
  readonly force?: true;
}

const HELP = `
IMAGE is a name, which is taken away, or an ID. The image goes with its last name, and with it the
layers that no other image has. What a container or a mount uses stays.

Examples:
  strata rmi busybox:1.36
  strata rmi -f 14fad501604e
`;

const DAEMON = "Error response from daemon: ";

/** Why a text can name no image at all, in Docker's words. */
function malformed(text: string): string | undefined {
  if (text === "" || /^(sha256:)?[0-9a-f]+$/.test(text)) return undefined;
  try {
    parseReference(text);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] IMAGE [IMAGE...]")
    .option("-f, --force", "Also remove an image that has several names, or that a stopped container uses")
    .option("--no-prune", "Accepted for Docker's sake; images have no untagged parents here")
    .argument("[images...]")
    .addHelpText("after", HELP)
    .action(async (images: readonly string[], options: Options) => {
      checkArguments(command, images.length, 1);
      const store = await context.store();
      const errors: string[] = [];
      let fatal = false;
      for (const name of images) {
        try {
          for (const removal of await store.remove(name, { force: options.force ?? false })) {
            const line =
              "deleted" in removal ? `Deleted: ${removal.deleted}` : `Untagged: ${removal.untagged}`;
            await context.print(line);
          }
        } catch (error) {
          const wrong = isNoSuchImage(error) ? malformed(name) : messageOf(error);
          fatal ||= wrong !== undefined;
          errors.push(wrong === undefined ? `Error: No such image: ${name}` : `${DAEMON}${wrong}`);
        }
      }
      if (errors.length === 0) return;
      if (!options.force || fatal) throw new Failure(errors.join("\n"));
      context.complain(errors.join("\n"));
    });
}
