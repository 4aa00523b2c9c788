/**
 * What is changed in a parsed script before the interpreter runs it, so that it does what a shell does over a
 * filesystem that can refuse:
 *
 * - A command with a redirection stands in a group of its own. Where a file cannot be opened the
 *   interpreter would end the whole script; a group ends with status 1, as in sh.
 * - `[` and `test` are our command (`shell-commands/test.ts`) instead of the interpreter's builtin, which
 *   knows neither fifos nor owners.
 *
 * What `eval`, `.` and traps parse is not seen here and keeps the interpreter's ways.
 */

/** `[` and `test` under a name that is no builtin. */
export const TEST_NAMES: Readonly<Record<string, string>> = { "[": "[ ", test: "test " };

interface Node {
  readonly type: string;
  [key: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

/** Rewrites a tree in place. */
export function rewrite(value: unknown): void {
  if (Array.isArray(value)) {
    for (const each of value) rewrite(each);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  for (const each of Object.values(value)) rewrite(each);
  if (!isNode(value)) return;
  if (value.type === "SimpleCommand") rename(value);
  if (value.type === "Pipeline") value.commands = (value.commands as Node[]).map(grouped);
}

/** The text of a word that is nothing but text; `[` alone is read as a pattern. */
function literal(word: unknown): string | undefined {
  const parts = isNode(word) ? word.parts : undefined;
  if (!Array.isArray(parts) || parts.length !== 1) return undefined;
  const part: unknown = parts[0];
  if (!isNode(part)) return undefined;
  const text = part.type === "Literal" ? part.value : part.type === "Glob" ? part.pattern : undefined;
  return typeof text === "string" ? text : undefined;
}

function rename(command: Node): void {
  const name = literal(command.name);
  if (name === undefined || !Object.hasOwn(TEST_NAMES, name)) return;
  command.name = { type: "Word", parts: [{ type: "Literal", value: TEST_NAMES[name] }] };
}

const OPENING = new Set([">", ">>", ">|", "&>", "&>>", "<>", ">&"]);

function grouped(command: Node): Node {
  const redirections = Array.isArray(command.redirections) ? (command.redirections as Node[]) : [];
  const opens = redirections.some(({ operator }) => OPENING.has(operator as string));
  // `exec` changes the shell itself.
  if (!opens || literal(command.name) === "exec") return command;
  const pipeline = { type: "Pipeline", commands: [command], negated: false, timed: false };
  const statement = { type: "Statement", pipelines: [pipeline], operators: [], background: false };
  return { type: "Group", body: [statement], redirections: [] };
}
