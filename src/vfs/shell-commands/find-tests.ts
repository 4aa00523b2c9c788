/**
 * The expression of `find`: tests, operators and actions, parsed into one function over a file.
 */
import { kindOf } from "../../posix/mode.ts";
import { R_OK, type Stat, W_OK, X_OK } from "../../union/types.ts";
import { CommandError, type Process } from "../shell/process.ts";
import { groupID, groupName, userID, userName } from "./accounts.ts";
import { formatFound } from "./find-format.ts";
import { globExpression } from "./glob-words.ts";
import { parseMode } from "./mode-words.ts";

export interface Found {
  readonly path: string;
  /** The operand that it was found under. */
  readonly start: string;
  readonly depth: number;
  readonly stat: Stat;
}

export interface Search {
  readonly process: Process;
  /** Set by `-prune` for the file being looked at. */
  pruned: boolean;
  /** Set by `-quit`. */
  quit: boolean;
  status: number;
}

export type Test = (found: Found, search: Search) => boolean | Promise<boolean>;

export interface Expression {
  readonly test: Test;
  readonly minDepth: number;
  readonly maxDepth: number;
  readonly depthFirst: boolean;
  readonly sameDevice: boolean;
  /** What remains to be done at the end: `-exec … +`. */
  readonly finish: (search: Search) => Promise<void>;
}

const TYPES: Readonly<Record<string, string>> = {
  f: "file",
  d: "directory",
  l: "symlink",
  p: "fifo",
  s: "socket",
  c: "char",
  b: "block",
};
const DAY = 86_400n * 1_000_000_000n;
const MINUTE = 60n * 1_000_000_000n;

export function parseExpression(process: Process, words: readonly string[]): Expression {
  const { mount } = process;
  const rest = [...words];
  const depths = { min: 0, max: Number.POSITIVE_INFINITY, first: false, device: false };
  const endings: ((search: Search) => Promise<void>)[] = [];
  let acts = false;
  const next = (name: string): string => {
    const word = rest.shift();
    if (word === undefined) throw new CommandError(`missing argument to '${name}'`);
    return word;
  };
  const now = process.machine.now();

  /** `+n`, `-n` or `n`. */
  function comparison(text: string, name: string): (value: number) => boolean {
    const parts = /^([-+]?)(\d+)$/.exec(text);
    if (parts === null) throw new CommandError(`invalid argument '${text}' to '${name}'`);
    const limit = Number(parts[2]);
    return (value) => (parts[1] === "+" ? value > limit : parts[1] === "-" ? value < limit : value === limit);
  }

  function age(name: string, of: (stat: Stat) => bigint, unit: bigint): Test {
    const compare = comparison(next(name), name);
    return ({ stat }) => compare(Number((now - of(stat)) / unit));
  }

  function command(name: string): Test {
    acts = true;
    const line: string[] = [];
    for (;;) {
      const word = next(name);
      if (word === ";") break;
      if (word === "+" && line.at(-1) === "{}") {
        line.pop();
        const paths: string[] = [];
        endings.push(async (search) => {
          for (let at = 0; at < paths.length; at += 5000) {
            if (
              (await process.run([...line, ...paths.slice(at, at + 5000)], { stdin: new Uint8Array(0) })) !==
              0
            )
              search.status = 1;
          }
        });
        return ({ path }) => paths.push(path) > 0;
      }
      line.push(word);
    }
    return async ({ path }) => {
      const inDirectory = name === "-execdir";
      const shown = inDirectory ? `./${path.slice(path.lastIndexOf("/") + 1)}` : path;
      const cwd = inDirectory ? absoluteParent(process.cwd, path) : process.cwd;
      return (
        (await process.run(
          line.map((word) => word.replaceAll("{}", shown)),
          { cwd, stdin: new Uint8Array(0) },
        )) === 0
      );
    };
  }

  function primary(): Test {
    const name = next("expression");
    switch (name) {
      case "(": {
        const inner = either();
        if (rest.shift() !== ")") throw new CommandError("invalid expression; expected to find a ')'");
        return inner;
      }
      case "!":
      case "-not": {
        const inner = primary();
        return async (found, search) => !(await inner(found, search));
      }
      case "-true":
        return () => true;
      case "-false":
        return () => false;
      case "-name":
      case "-iname": {
        const expression = globExpression(next(name), name === "-iname", true);
        return ({ path }) => expression.test(baseOf(path));
      }
      case "-path":
      case "-wholename":
      case "-ipath": {
        const expression = globExpression(next(name), name === "-ipath", true);
        return ({ path }) => expression.test(path);
      }
      case "-lname": {
        const expression = globExpression(next(name), false, true);
        return ({ path, stat }) => kindOf(stat.mode) === "symlink" && expression.test(mount.readlink(path));
      }
      case "-regex":
      case "-iregex": {
        const source = next(name).replace(/\\([(){}|+?])/g, "$1");
        const expression = new RegExp(`^(?:${source})$`, name === "-iregex" ? "si" : "s");
        return ({ path }) => expression.test(path);
      }
      case "-type": {
        const kinds = next(name)
          .split(",")
          .map((letter) => TYPES[letter]);
        if (kinds.includes(undefined)) throw new CommandError(`Unknown argument to ${name}`);
        return ({ stat }) => kinds.includes(kindOf(stat.mode));
      }
      case "-perm":
        return permission(next(name));
      case "-user":
      case "-uid": {
        const text = next(name);
        const id = name === "-user" ? userID(mount, text) : undefined;
        if (name === "-user" && id === undefined)
          throw new CommandError(`'${text}' is not the name of a known user`);
        const compare = id === undefined ? comparison(text, name) : (uid: number) => uid === id;
        return ({ stat }) => compare(stat.uid);
      }
      case "-group":
      case "-gid": {
        const text = next(name);
        const id = name === "-group" ? groupID(mount, text) : undefined;
        if (name === "-group" && id === undefined)
          throw new CommandError(`'${text}' is not the name of an existing group`);
        const compare = id === undefined ? comparison(text, name) : (gid: number) => gid === id;
        return ({ stat }) => compare(stat.gid);
      }
      case "-nouser":
        return ({ stat }) => userName(mount, stat.uid) === undefined;
      case "-nogroup":
        return ({ stat }) => groupName(mount, stat.gid) === undefined;
      case "-size": {
        const text = next(name);
        const parts = /^([-+]?\d+)([bcwkMG]?)$/.exec(text);
        if (parts === null) throw new CommandError(`invalid -size argument '${text}'`);
        const unit = { "": 512, b: 512, c: 1, w: 2, k: 1024, M: 1048576, G: 1073741824 }[parts[2]!]!;
        const compare = comparison(parts[1]!, name);
        return ({ stat }) => compare(Math.ceil(stat.size / unit));
      }
      case "-links": {
        const compare = comparison(next(name), name);
        return ({ stat }) => compare(stat.nlink);
      }
      case "-inum": {
        const compare = comparison(next(name), name);
        return ({ stat }) => compare(stat.ino);
      }
      case "-samefile": {
        const other = mount.lstat(next(name));
        return ({ stat }) => stat.ino === other.ino && stat.dev === other.dev;
      }
      case "-empty":
        return ({ path, stat }) =>
          kindOf(stat.mode) === "directory"
            ? mount.readdir(path).length === 0
            : kindOf(stat.mode) === "file" && stat.size === 0;
      case "-newer":
      case "-cnewer":
      case "-anewer": {
        const other = mount.stat(next(name)).mtime;
        return ({ stat }) =>
          (name === "-newer" ? stat.mtime : name === "-cnewer" ? stat.ctime : stat.atime) > other;
      }
      case "-mtime":
        return age(name, (stat) => stat.mtime, DAY);
      case "-mmin":
        return age(name, (stat) => stat.mtime, MINUTE);
      case "-ctime":
        return age(name, (stat) => stat.ctime, DAY);
      case "-atime":
        return age(name, (stat) => stat.atime, DAY);
      case "-readable":
        return may(R_OK);
      case "-writable":
        return may(W_OK);
      case "-executable":
        return may(X_OK);
      case "-maxdepth":
        depths.max = Number(next(name));
        return () => true;
      case "-mindepth":
        depths.min = Number(next(name));
        return () => true;
      case "-depth":
        depths.first = true;
        return () => true;
      case "-xdev":
      case "-mount":
        depths.device = true;
        return () => true;
      case "-daystart":
      case "-noleaf":
      case "-ignore_readdir_race":
        return () => true;
      case "-prune":
        return (_, search) => {
          search.pruned = true;
          return true;
        };
      case "-quit":
        acts = true;
        return (_, search) => {
          search.quit = true;
          return true;
        };
      case "-print":
      case "-print0":
        acts = true;
        return ({ path }) => {
          process.write(path + (name === "-print" ? "\n" : "\0"));
          return true;
        };
      case "-printf": {
        acts = true;
        const format = next(name);
        return (found) => {
          process.write(formatFound(process, format, found));
          return true;
        };
      }
      case "-delete":
        acts = true;
        depths.first = true;
        return ({ path, stat }, search) => {
          if (path === ".") return true;
          try {
            if (kindOf(stat.mode) === "directory") mount.rmdir(path);
            else mount.unlink(path);
            return true;
          } catch (error) {
            process.complain(`cannot delete '${path}': ${reason(error)}`);
            search.status = 1;
            return false;
          }
        };
      case "-exec":
      case "-execdir":
        return command(name);
      default:
        throw new CommandError(`unknown predicate '${name}'`);
    }
  }

  function may(wanted: number): Test {
    return ({ path }) => {
      try {
        mount.access(path, wanted);
        return true;
      } catch {
        return false;
      }
    };
  }

  function permission(text: string): Test {
    const how = /^[-/]/.test(text) ? text[0]! : "";
    const bits = parseMode(text.slice(how.length), 0)(0, false);
    return ({ stat }) => {
      const mode = stat.mode & 0o7777;
      if (how === "-") return (mode & bits) === bits;
      return how === "/" ? bits === 0 || (mode & bits) !== 0 : mode === bits;
    };
  }

  function both(): Test {
    let left = primary();
    while (rest.length > 0 && rest[0] !== ")" && rest[0] !== "-o" && rest[0] !== "-or" && rest[0] !== ",") {
      if (rest[0] === "-a" || rest[0] === "-and") rest.shift();
      const [first, second] = [left, primary()];
      left = async (found, search) => (await first(found, search)) && (await second(found, search));
    }
    return left;
  }

  function either(): Test {
    let left = both();
    while (rest[0] === "-o" || rest[0] === "-or") {
      rest.shift();
      const [first, second] = [left, both()];
      left = async (found, search) => (await first(found, search)) || (await second(found, search));
    }
    return left;
  }

  let test: Test = () => true;
  if (rest.length > 0) {
    test = either();
    if (rest.length > 0) throw new CommandError(`paths must precede expression: '${rest[0]}'`);
  }
  const wanted = test;
  const printing: Test = async (found, search) => {
    if (await wanted(found, search)) process.write(`${found.path}\n`);
    return true;
  };
  return {
    test: acts ? wanted : printing,
    minDepth: depths.min,
    maxDepth: depths.max,
    depthFirst: depths.first,
    sameDevice: depths.device,
    finish: async (search) => {
      for (const ending of endings) await ending(search);
    },
  };
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function baseOf(path: string): string {
  const clean = path.replace(/(?<=.)\/+$/, "");
  return clean === "/" ? "/" : clean.slice(clean.lastIndexOf("/") + 1);
}

function absoluteParent(cwd: string, path: string): string {
  const full = path.startsWith("/") ? path : `${cwd}/${path}`;
  return full.slice(0, full.lastIndexOf("/")) || "/";
}
