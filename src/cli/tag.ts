/**
 * `strata tag`: gives an image another name.
 */
import type { Command } from "commander";
import { OciError } from "../oci/errors.ts";
import { parseReference } from "../oci/reference.ts";
import { withShownTag } from "../store/resolve.ts";
import type { Context } from "./context.ts";
import { Failure, isNoSuchImage, messageOf, refused } from "./failure.ts";
import { checkArguments } from "./help.ts";

const HELP = `
Example:
  strata tag busybox:1.36 localhost:5000/me/busybox:stable
`;

/** @throws Failure in Docker's words */
function checkTarget(text: string): void {
  try {
    parseReference(text);
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    const message = `Error parsing reference: ${JSON.stringify(text)} is not a valid repository/tag: ${error.message}`;
    throw new Failure(message);
  }
}

export function define(command: Command, context: Context): void {
  command
    .usage("SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]")
    .argument("[names...]")
    .addHelpText("after", HELP)
    .action(async (names: readonly string[]) => {
      checkArguments(command, names.length, 2, 2);
      const [source, target] = names as [string, string];
      checkTarget(target);
      const store = await context.store();
      try {
        await store.tag(await store.image(source), target);
      } catch (error) {
        throw refused(isNoSuchImage(error) ? `No such image: ${withShownTag(source)}` : messageOf(error));
      }
    });
}
