/**
 * `sh`, `bash`, `dash` and `ash`: all are the one interpreter, which speaks bash.
 */

import { nameFromBytes } from "../../posix/names.ts";
import { CommandError, type Process } from "../shell/process.ts";
import { reasonOf } from "../shell/strerror.ts";

/** Options of bash that change nothing here. */
const IGNORED = new Set(["--login", "--norc", "--noprofile", "--posix", "--restricted"]);

export async function shell(process: Process): Promise<number> {
  const args = [...process.args];
  const options: string[] = [];
  let command = false;
  let fromInput = false;
  while (args.length > 0) {
    const word = args[0]!;
    if (!/^[-+]./.test(word)) break;
    args.shift();
    if (word === "--" || word === "-") break;
    if (IGNORED.has(word)) continue;
    if (word.startsWith("--")) throw new CommandError(`${word}: invalid option`, 2);
    for (const letter of word.slice(1)) {
      if (letter === "c") command = true;
      else if (letter === "s") fromInput = true;
      else if (letter === "o" || letter === "O") {
        const option = args.shift();
        if (option === undefined) throw new CommandError(`${word}: option requires an argument`, 2);
        if (letter === "o") options.push(`${word[0]}o ${option}`);
      } else if (!"li".includes(letter)) options.push(word[0]! + letter);
    }
  }
  if (command) {
    const [source, name = process.name, ...rest] = args;
    if (source === undefined) throw new CommandError("-c: option requires an argument", 2);
    return process.interpret({ source, name, args: rest, options });
  }
  const [file, ...rest] = args;
  if (fromInput || file === undefined) {
    const source = nameFromBytes(process.stdin());
    return process.interpret({ source, name: process.name, args: args, options, stdin: new Uint8Array(0) });
  }
  let bytes: Uint8Array;
  try {
    bytes = process.mount.readFile(file);
  } catch (error) {
    const reason = reasonOf(error);
    throw new CommandError(`${file}: ${reason}`, reason === "No such file or directory" ? 127 : 126);
  }
  if (bytes.subarray(0, 256).includes(0)) throw new CommandError(`${file}: cannot execute binary file`, 126);
  return process.interpret({ source: nameFromBytes(bytes), name: file, args: rest, options });
}
