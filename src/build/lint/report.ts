/**
 * What a check found, and which rules it looks at: the directive `# check=skip=A,B;error=true`.
 */
import type { Range } from "../dockerfile/source.ts";
import { type LintRule, RULES } from "./rules.ts";

export interface LintWarning {
  readonly rule: string;
  readonly description: string;
  readonly url?: string;
  readonly message: string;
  /** Of the instruction. */
  readonly range: Range;
}

export interface CheckOptions {
  /** Names of rules, or `all`. */
  readonly skip: ReadonlySet<string>;
  /** Names of experimental rules that are checked, or `all`. */
  readonly experimental: ReadonlySet<string>;
  /** A warning makes the build fail. */
  readonly error: boolean;
}

export class CheckOptionsError extends Error {
  override readonly name = "CheckOptionsError";
}

const TRUE: ReadonlySet<string> = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const FALSE: ReadonlySet<string> = new Set(["0", "f", "F", "FALSE", "false", "False"]);

function names(text: string): ReadonlySet<string> {
  return new Set(text.split(",").map((name) => name.trim()));
}

/**
 * Reads the value of the directive, or of `BUILDKIT_DOCKERFILE_CHECK`.
 * @throws CheckOptionsError
 */
export function parseCheckOptions(text: string): CheckOptions {
  let skip: ReadonlySet<string> = new Set();
  let experimental: ReadonlySet<string> = new Set();
  let error = false;
  for (const part of text.trim() === "" ? [] : text.split(";")) {
    const equals = part.indexOf("=");
    if (equals < 0) throw new CheckOptionsError(`invalid check option ${JSON.stringify(part)}`);
    const key = part.slice(0, equals).trim();
    const value = part.slice(equals + 1).trim();
    if (key === "skip") skip = names(value);
    else if (key === "experimental") experimental = names(value);
    else if (key === "error" && (TRUE.has(value) || FALSE.has(value))) error = TRUE.has(value);
    else if (key === "error") {
      throw new CheckOptionsError(`failed to parse check option ${JSON.stringify(part)}: not a boolean`);
    } else throw new CheckOptionsError(`invalid check option ${JSON.stringify(key)}`);
  }
  return { skip, experimental, error };
}

/** Collects warnings of the rules that are looked at. */
export class LintReport {
  readonly #options: CheckOptions;
  readonly #warnings: LintWarning[] = [];

  constructor(options: CheckOptions) {
    this.#options = options;
  }

  add(rule: LintRule, range: Range, message: string): void {
    const { skip, experimental } = this.#options;
    const { name, description, url } = rule;
    if (skip.has("all") || skip.has(name)) return;
    if (rule.experimental === true && !experimental.has("all") && !experimental.has(name)) return;
    this.#warnings.push({ rule: name, description, message, range, ...(url !== undefined && { url }) });
  }

  /** In the order of the file. */
  warnings(): readonly LintWarning[] {
    return this.#warnings.toSorted((a, b) => a.range.start.line - b.range.start.line);
  }
}

/** Every rule there is, by name. */
export function lintRules(): readonly LintRule[] {
  return Object.values(RULES);
}

/** A warning on one line, as BuildKit prints it. */
export function formatWarning({ rule, message, range }: LintWarning): string {
  return `${rule}: ${message} (line ${range.start.line})`;
}
