/**
 * `strata rm`: containers away, with what they changed.
 */
import type { Command } from "commander";
import type { Container } from "../runtime/container.ts";
import { UpperError } from "../runtime/upper/upper.ts";
import type { Context } from "./context.ts";
import { Failure, isNoSuchContainer } from "./failure.ts";
import { forEachContainer } from "./find-container.ts";
import { checkArguments } from "./help.ts";

interface Options {
  readonly force?: true;
  readonly volumes?: true;
}

async function remove(container: Container): Promise<void> {
  try {
    await container.remove();
  } catch (error) {
    if (!(error instanceof UpperError) || error.holder === undefined) throw error;
    throw new Failure(
      `Error response from daemon: You cannot remove a running container ${container.id}. Process ${error.holder.pid} works in it; end that before attempting removal`,
    );
  }
}

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] CONTAINER [CONTAINER...]")
    .option("-f, --force", "Do not fail for containers that are not there")
    .option("-v, --volumes", "Accepted for Docker's sake: there are no volumes")
    .argument("[args...]")
    .action(async (names: readonly string[], options: Options) => {
      checkArguments(command, names.length, 1);
      const { containers } = await context.store();
      const present: string[] = [];
      for (const name of names) {
        const missing = await containers.get(name).then(() => false, isNoSuchContainer);
        if (missing && options.force) context.complain(`Error: No such container: ${name}`);
        else present.push(name);
      }
      await forEachContainer(context, present, remove);
    });
}
