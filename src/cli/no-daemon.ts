/**
 * Commands of Docker's that need a daemon: each says in one sentence why there is nothing for it to do.
 */
import type { Command } from "commander";
import type { CommandModule } from "./commands.ts";
import { Failure } from "./failure.ts";

const FOREGROUND = "a command in a container runs in the foreground, in the process that started it";

const REASONS: ReadonlyMap<string, string> = new Map([
  ["attach", `${FOREGROUND}: its streams are that one's`],
  ["kill", `${FOREGROUND}: end that one`],
  ["logs", `${FOREGROUND}: its output went there and is not kept`],
  ["pause", `${FOREGROUND}: stop that one`],
  ["port", "containers have no network of their own"],
  ["restart", `${FOREGROUND}: run it again with 'strata start -a'`],
  ["stats", `${FOREGROUND}: look at that one`],
  ["stop", `${FOREGROUND}: end that one`],
  ["top", `${FOREGROUND}: look at that one`],
  ["unpause", `${FOREGROUND}: continue that one`],
  ["update", "containers have no limits to be changed"],
  ["wait", `${FOREGROUND}: wait for that one`],
]);

export function noDaemon(name: string): CommandModule {
  return {
    define(command: Command): void {
      command
        .usage("")
        .allowUnknownOption()
        .argument("[args...]")
        .action(() => {
          throw new Failure(
            `strata: there is no '${name}', because there is no daemon: ${REASONS.get(name)}.`,
          );
        });
    },
  };
}
