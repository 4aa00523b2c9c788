/** What changes the shell itself: `umask` and `trap`. */
import { CommandError, type Process } from "../shell/process.ts";
import { parseMode } from "./mode-words.ts";

export function umask(process: Process): number {
  const [first, ...more] = process.args;
  const symbolic = first === "-S";
  const text = symbolic || first === "-p" ? more[0] : first;
  if (text === undefined) {
    const octal = process.umask.toString(8).padStart(4, "0");
    process.write(`${first === "-p" ? "umask " : ""}${symbolic ? letters(process.umask) : octal}\n`);
    return 0;
  }
  // Symbolic words name what is allowed, digits what is not.
  process.umask = /^[0-7]+$/.test(text)
    ? Number.parseInt(text, 8) & 0o777
    : ~parseMode(text, 0)(~process.umask & 0o777, false) & 0o777;
  return 0;
}

function letters(umask: number): string {
  const allowed = ~umask & 0o777;
  return [6, 3, 0]
    .map((shift, i) => {
      const bits = allowed >>> shift;
      return `${"ugo"[i]}=${(bits & 4) !== 0 ? "r" : ""}${(bits & 2) !== 0 ? "w" : ""}${(bits & 1) !== 0 ? "x" : ""}`;
    })
    .join(",");
}

/** Only `EXIT` ever comes: there are no signals. */
export function trap(process: Process): number {
  const words = process.args[0] === "--" ? process.args.slice(1) : process.args;
  if (words.length === 0 || words[0] === "-l" || words[0] === "-p") return 0;
  const resets = words[0] === "-" || /^\d+$/.test(words[0]!) || words.length === 1;
  const action = resets ? undefined : words[0];
  for (const signal of words.slice(words.length === 1 || /^\d+$/.test(words[0]!) ? 0 : 1)) {
    const name = signal === "0" ? "EXIT" : signal.toUpperCase().replace(/^SIG/, "");
    if (!/^[A-Z0-9+-]+$/.test(name)) throw new CommandError(`${signal}: invalid signal specification`);
    process.trap(name, action);
  }
  return 0;
}
