/**
 * `strata tags`: the tags that a registry has of a repository.
 */
import type { Command } from "commander";
import { parseReference } from "../oci/reference.ts";
import type { Context } from "./context.ts";
import { Failure, messageOf } from "./failure.ts";
import { checkArguments } from "./help.ts";
import {
  addRegistryFlags,
  type RegistryFlags,
  registryFailure,
  registryOptions,
} from "./registry-options.ts";

const HELP = `
Examples:
  strata tags debian
  strata tags localhost:5000/me/app
`;

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] REPOSITORY")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], flags: RegistryFlags) => {
      checkArguments(command, args.length, 1, 1);
      let repository: ReturnType<typeof parseReference>;
      try {
        repository = parseReference(args[0]!);
      } catch (error) {
        throw new Failure(messageOf(error));
      }
      if (repository.tag !== undefined || repository.digest !== undefined) {
        throw new Failure(`${args[0]} names an image; tags are of a repository`);
      }
      const [{ Session }, { listTags }] = await Promise.all([
        import("../registry/session.ts"),
        import("../registry/lists.ts"),
      ]);
      const session = new Session(repository.domain, registryOptions(context, flags));
      try {
        for await (const tag of listTags(session, repository.path)) await context.print(tag);
      } catch (error) {
        throw registryFailure(error);
      } finally {
        await session.close();
      }
    });
  addRegistryFlags(command);
}
