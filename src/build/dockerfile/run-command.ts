/**
 * What a RUN executes (5.1, 5.3): its exec form as it stands; its shell form behind SHELL. A heredoc alone is
 * the shell's text, or, where it begins with `#!`, a file of its own; with a command before it the shell
 * gets the command with the documents after it.
 */
import type { ExecutionConfig } from "../../oci/config.ts";
import { parseHeredocWord } from "./heredoc.ts";
import type { CommandLine, RunInstruction } from "./syntax.ts";

const DEFAULT_SHELL: readonly string[] = ["/bin/sh", "-c"];
/** Where files of heredocs are while their command runs. */
const SCRIPTS = "/dev/pipes/";

/** What the shell form of a command line runs behind. */
export function shellOf(config: ExecutionConfig): readonly string[] {
  return config.Shell !== undefined && config.Shell.length > 0 ? config.Shell : DEFAULT_SHELL;
}

/** A command line as a config has it. */
export function commandArguments(command: CommandLine, shell: readonly string[]): readonly string[] {
  return command.form === "exec" ? command.args : [...shell, command.text];
}

export interface RunCommand {
  /** Never empty. */
  readonly args: readonly string[];
  /** A file, mode 0755, that must be there while it runs, and not after. */
  readonly script?: { readonly path: string; readonly content: string };
}

export function runCommand(run: RunInstruction, shell: readonly string[]): RunCommand {
  const { command, heredocs } = run;
  const [first] = heredocs;
  if (command.form === "exec" || first === undefined) return { args: commandArguments(command, shell) };
  if (parseHeredocWord(command.text) === undefined) {
    const documents = heredocs.map(({ content, name }) => `\n${content}${name}`);
    return { args: [...shell, command.text + documents.join("")] };
  }
  const content = first.chomp ? first.content.replace(/^\t+/gm, "") : first.content;
  if (!content.startsWith("#!")) return { args: [...shell, content] };
  const path = SCRIPTS + first.name;
  return { args: [...shell, path], script: { path, content } };
}
