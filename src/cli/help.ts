/**
 * Help in the shape that Docker's has, and the check of how many arguments a command was given.
 */
import type { Command, Help } from "commander";
import { Failure } from "./failure.ts";

const GAP = 3;

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([term]) => term.length));
  return rows.map(([term, text]) => `  ${term.padEnd(width + GAP)}${text}\n`).join("");
}

/** A flag with room for a shorthand, so that long names line up. */
function flagTerm(flags: string): string {
  const shown = flags.replace(/<([^>]+)>/, "$1");
  return shown.startsWith("--") ? `    ${shown}` : shown;
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

function usageLine(command: Command): string {
  return `Usage:  ${fullName(command)} ${command.usage()}`;
}

export function formatHelp(command: Command, helper: Help): string {
  const options = helper
    .visibleOptions(command)
    .filter((option) => !option.hidden)
    .map((option) => [flagTerm(option.flags), option.description] as const);
  const commands = helper.visibleCommands(command).map((child) => [child.name(), child.summary()] as const);
  const parts = [`${usageLine(command)}\n`, `${command.description()}\n`];
  if (commands.length > 0) parts.push(`Commands:\n${columns(commands)}`);
  if (options.length > 0) parts.push(`Options:\n${columns(options)}`);
  const more = commands.length > 0 ? "\nRun 'strata COMMAND --help' for more on a command.\n" : "";
  return `\n${parts.join("\n")}${more}`;
}

function plural(count: number): string {
  return count === 1 ? "1 argument" : `${count} arguments`;
}

/**
 * Refuses a number of arguments that a command does not take, in Docker's words.
 * @throws Failure with exit code 1
 */
export function checkArguments(
  command: Command,
  count: number,
  least: number,
  most = Number.POSITIVE_INFINITY,
): void {
  if (count >= least && count <= most) return;
  const name = fullName(command);
  const wanted =
    most === 0
      ? "accepts no arguments"
      : least === most
        ? `requires exactly ${plural(least)}`
        : count < least
          ? `requires at least ${plural(least)}`
          : `requires at most ${plural(most)}`;
  throw new Failure(
    `"${name}" ${wanted}.\nSee '${name} --help'.\n\n${usageLine(command)}\n\n${command.summary()}`,
  );
}
