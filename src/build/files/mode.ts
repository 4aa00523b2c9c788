/**
 * `--chmod` (5.3): octal up to 07777, or symbolic as for chmod(1), such as `u=rwX,go=rX`. Where no user is
 * named it means all of them, as far as the umask of builds (022) lets through.
 */
import { PERMISSION_BITS } from "../../posix/mode.ts";

export class ModeError extends Error {
  override readonly name = "ModeError";
}

/** The new permission bits of a file that has some. */
export type ModeChange = (mode: number, isDirectory: boolean) => number;

const UMASK = 0o022;
const CLAUSE = /^([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)$/;
const ACTION = /([-+=])([ugo]|[rwxXst]*)/g;

const WHO: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 };
const SHIFT: Readonly<Record<string, number>> = { u: 6, g: 3, o: 0 };

interface Action {
  readonly operator: string;
  readonly permissions: string;
  /** Bits that it may touch. */
  readonly mask: number;
}

/** The bits that permissions mean for everybody, before the mask. */
function bitsOf(permissions: string, mode: number, isDirectory: boolean): number {
  const copied = SHIFT[permissions];
  if (copied !== undefined) {
    const bits = (mode >> copied) & 7;
    return (bits << 6) | (bits << 3) | bits;
  }
  let bits = 0;
  for (const permission of permissions) {
    if (permission === "r") bits |= 0o444;
    else if (permission === "w") bits |= 0o222;
    else if (permission === "x") bits |= 0o111;
    else if (permission === "X") bits |= isDirectory || (mode & 0o111) !== 0 ? 0o111 : 0;
    else if (permission === "s") bits |= 0o6000;
    else bits |= 0o1000;
  }
  return bits;
}

function apply({ operator, permissions, mask }: Action, mode: number, isDirectory: boolean): number {
  const bits = bitsOf(permissions, mode, isDirectory) & mask;
  if (operator === "+") return mode | bits;
  if (operator === "-") return mode & ~bits;
  return (mode & ~mask) | bits;
}

function maskOf(who: string): number {
  if (who === "") return PERMISSION_BITS & ~UMASK;
  let mask = 0;
  for (const letter of who) mask |= WHO[letter]!;
  return mask;
}

/**
 * Reads a mode.
 * @throws ModeError
 */
export function parseMode(text: string): ModeChange {
  if (/^[0-9]+$/.test(text)) {
    const mode = /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
    if (!(mode <= PERMISSION_BITS)) throw invalid(text);
    return () => mode;
  }
  const actions = text.split(",").flatMap((clause): readonly Action[] => {
    const match = CLAUSE.exec(clause);
    if (match === null) throw invalid(text);
    const mask = maskOf(match[1]!);
    return [...match[2]!.matchAll(ACTION)].map(([, operator, permissions]) => ({
      operator: operator!,
      permissions: permissions!,
      mask,
    }));
  });
  return (mode, isDirectory) => actions.reduce((now, action) => apply(action, now, isDirectory), mode);
}

function invalid(text: string): ModeError {
  return new ModeError(
    `invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777, or symbolic`,
  );
}
