/**
 * Modes as chmod(1) takes them, octal or symbolic.
 */
import { PERMISSION_BITS, S_ISGID, S_ISUID, S_ISVTX } from "../../posix/mode.ts";
import { CommandError } from "../shell/process.ts";

/** A change of mode, for a file that has the mode `mode`. @returns the new permission bits */
export type ModeChange = (mode: number, isDirectory: boolean) => number;

const WHO: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 };
const CLAUSE = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/;

/** @throws CommandError */
export function parseMode(text: string, umask: number): ModeChange {
  if (/^[0-7]+$/.test(text)) {
    const bits = Number.parseInt(text, 8);
    if (bits > PERMISSION_BITS) throw new CommandError(`invalid mode: '${text}'`);
    // A directory keeps setuid and setgid unless the digits for them are written out.
    const keep = text.length > 4 ? 0 : S_ISUID | S_ISGID;
    return (mode, isDirectory) => (isDirectory ? bits | (mode & keep) : bits);
  }
  const clauses = text.split(",").map((clause) => {
    const parts = CLAUSE.exec(clause);
    if (parts === null) throw new CommandError(`invalid mode: '${text}'`);
    const mask = [...parts[1]!].reduce((bits, who) => bits | WHO[who]!, 0);
    const edits = [...parts[2]!.matchAll(/([-+=])([ugo]|[rwxXst]*)/g)].map(([, sign, what]) => ({
      sign,
      what: what!,
    }));
    return { mask, edits };
  });
  return (before, isDirectory) => {
    let mode = before & PERMISSION_BITS;
    for (const { mask, edits } of clauses) {
      for (const { sign, what } of edits) {
        // Without a letter for whom, the umask guards what it covers.
        const affected = mask === 0 ? 0o7777 & ~umask : mask;
        const bits = bitsOf(what, mode, isDirectory) & affected;
        if (sign === "+") mode |= bits;
        else if (sign === "-") mode &= ~bits;
        else mode = (mode & ~cleared(mask === 0 ? 0o7777 : mask, isDirectory)) | bits;
      }
    }
    return mode;
  };
}

/** What `=` takes away: a directory's setuid and setgid stay. */
function cleared(mask: number, isDirectory: boolean): number {
  return isDirectory ? mask & ~(S_ISUID | S_ISGID) : mask;
}

function bitsOf(what: string, mode: number, isDirectory: boolean): number {
  let bits = 0;
  for (const letter of what) {
    if (letter === "r") bits |= 0o444;
    else if (letter === "w") bits |= 0o222;
    else if (letter === "x") bits |= 0o111;
    else if (letter === "X") bits |= isDirectory || (mode & 0o111) !== 0 ? 0o111 : 0;
    else if (letter === "s") bits |= S_ISUID | S_ISGID;
    else if (letter === "t") bits |= S_ISVTX;
    else {
      const own = (mode >>> (letter === "u" ? 6 : letter === "g" ? 3 : 0)) & 7;
      bits |= own * 0o111;
    }
  }
  return bits;
}
