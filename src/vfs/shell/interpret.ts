/**
 * Running a script in a shell of its own: what `sh -c`, `sh FILE` and a script in PATH come to.
 */
import type { CommandContext, ExecResult } from "just-bash";
import type { Script } from "./process.ts";
import { RUN, type Session, type ShellRun, UMASK } from "./session.ts";
import { pipeFromBytes, textFromName } from "./text.ts";

/** A name that `export` takes. */
export const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

export async function interpret(
  session: Session,
  context: CommandContext,
  script: Script,
  umask: number,
): Promise<ExecResult> {
  const run: ShellRun = { traps: new Map(), variables: new Map() };
  const number = session.runs.push(run) - 1;
  const words = script.args.map(textFromName);
  const env: Record<string, string> = {
    ...context.exportedEnv,
    [UMASK]: String(umask),
    [RUN]: String(number),
    "0": textFromName(script.name),
    "#": String(words.length),
    "@": words.join(" "),
    "*": words.join(" "),
  };
  for (const [index, word] of words.entries()) env[index + 1] = word;
  const exported = Object.keys(context.exportedEnv ?? {}).filter((name) => VARIABLE.test(name));
  // On the script's first line, so that its lines keep their numbers.
  const prelude = [
    ...(exported.length > 0 ? [`export ${exported.join(" ")};`] : []),
    ...script.options.map((option) => `set ${option};`),
  ].join("");
  const options = {
    cwd: context.cwd,
    replaceEnv: true,
    rawScript: true,
    stdin: script.stdin === undefined ? String(context.stdin) : pipeFromBytes(script.stdin),
    stdinKind: "bytes" as const,
    ...(context.signal && { signal: context.signal }),
  };
  const result = await context.exec!(prelude + textFromName(script.source), { ...options, env });
  const action = run.traps.get("EXIT");
  if (action === undefined || action === "") return result;
  const variables = Object.fromEntries([...variablesOf(run, result)].filter(([name]) => name !== RUN));
  const last = await context.exec!(`(exit ${result.exitCode});${textFromName(action)}`, {
    ...options,
    cwd: variables.PWD ?? context.cwd,
    env: variables,
  });
  return {
    stdout: result.stdout + last.stdout,
    stderr: result.stderr + last.stderr,
    exitCode: result.exitCode,
  };
}

/** A script that ran to its end tells its variables; one that left by `exit` only what its last command saw. */
function variablesOf(run: ShellRun, result: ExecResult): Iterable<[string, string]> {
  const told = result.env;
  return told !== undefined && RUN in told ? Object.entries(told) : run.variables;
}
