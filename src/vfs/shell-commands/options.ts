/**
 * Command line options as getopt_long(3) reads them: letters together or apart, long names shortened as
 * far as they stay one, `--` as the end.
 */
import { CommandError } from "../shell/process.ts";

export interface Options {
  has(letter: string): boolean;
  /** The last value given. */
  value(letter: string): string | undefined;
  values(letter: string): readonly string[];
  readonly operands: readonly string[];
}

/**
 * @param letters as getopt takes them: `ab:c` is `-a`, `-b VALUE`, `-c`; `b::` has a value only where it follows at once
 * @param long the letter that each long option stands for; a letter need not exist as one
 * @param mixed whether options may follow operands
 */
export function parseOptions(
  args: readonly string[],
  letters: string,
  long: Readonly<Record<string, string>> = {},
  mixed = true,
): Options {
  const values = new Map<string, string[]>();
  const operands: string[] = [];
  const add = (letter: string, value: string) => values.set(letter, [...(values.get(letter) ?? []), value]);
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") {
      operands.push(...rest);
      break;
    }
    if (word.startsWith("--")) {
      const equals = word.indexOf("=");
      const name = word.slice(2, equals < 0 ? undefined : equals);
      const letter = longOption(name, long);
      if (!takesValue(letters, letter)) add(letter, "");
      else if (equals >= 0) add(letter, word.slice(equals + 1));
      else if (isOptional(letters, letter)) add(letter, "");
      else add(letter, required(rest.shift(), `option '--${name}' requires an argument`));
    } else if (word.startsWith("-") && word !== "-") {
      for (let i = 1; i < word.length; i++) {
        const letter = word[i]!;
        if (!letters.includes(letter) || letter === ":")
          throw new CommandError(`invalid option -- '${letter}'`);
        if (!takesValue(letters, letter)) {
          add(letter, "");
          continue;
        }
        const joined = word.slice(i + 1);
        if (joined !== "" || isOptional(letters, letter)) add(letter, joined);
        else add(letter, required(rest.shift(), `option requires an argument -- '${letter}'`));
        break;
      }
    } else if (mixed) {
      operands.push(word);
    } else {
      operands.push(word, ...rest);
      break;
    }
  }
  return {
    has: (letter) => values.has(letter),
    value: (letter) => values.get(letter)?.at(-1),
    values: (letter) => values.get(letter) ?? [],
    operands,
  };
}

function longOption(name: string, long: Readonly<Record<string, string>>): string {
  const exact = long[name];
  if (exact !== undefined) return exact;
  const matches = new Set(
    Object.keys(long)
      .filter((key) => key.startsWith(name))
      .map((key) => long[key]!),
  );
  if (matches.size !== 1) throw new CommandError(`unrecognized option '--${name}'`);
  return [...matches][0]!;
}

function takesValue(letters: string, letter: string): boolean {
  return letters[letters.indexOf(letter) + 1] === ":";
}

function isOptional(letters: string, letter: string): boolean {
  return letters.startsWith("::", letters.indexOf(letter) + 1);
}

function required(value: string | undefined, message: string): string {
  if (value === undefined) throw new CommandError(message);
  return value;
}

/** @throws CommandError as the coreutils say it */
export function atLeast(operands: readonly string[], count: number): void {
  if (operands.length >= count) return;
  const last = operands.at(-1);
  throw new CommandError(last === undefined ? "missing operand" : `missing operand after '${last}'`);
}
