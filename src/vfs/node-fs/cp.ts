/**
 * `fs.cp`: a tree copied as Node copies it, with its checks, their order and their errors.
 *
 * The copy is written once, as a generator that yields where the asynchronous form may have to wait:
 * at the `filter`, whose answer may be a promise. Nothing else differs between the forms. Entries are
 * copied by their own names, whatever bytes they hold.
 */
import { posix } from "../../platform/node-builtins.ts";
import { errno } from "../../posix/errno.ts";
import { type Kind, kindOf } from "../../posix/mode.ts";
import { splitPath } from "../../posix/path.ts";
import * as attributes from "../../union/attribute-calls.ts";
import { isWithin } from "../../union/context.ts";
import type { Mount } from "../../union/mount.ts";
import * as names from "../../union/name-calls.ts";
import type { Stat } from "../../union/types.ts";
import * as take from "./arguments.ts";
import { statOf } from "./attribute-functions.ts";
import { copyFile } from "./copy-file.ts";
import { invalidType, type Refusal, refusal, succeed, systemError, withErrno } from "./errors.ts";
import { type Form, mkdirAll } from "./name-functions.ts";
import { absolutePath } from "./realpath.ts";
import { scan } from "./remove.ts";
import { statsOf } from "./stats.ts";

export interface CpOptions {
  readonly dereference: boolean;
  readonly errorOnExist: boolean;
  readonly filter: ((source: string, target: string) => unknown) | undefined;
  readonly force: boolean;
  readonly mode: number;
  readonly preserveTimestamps: boolean;
  readonly recursive: boolean;
  readonly verbatimSymlinks: boolean;
}

export function cpOptions(value: unknown): CpOptions {
  const given = take.objectOptions(value);
  const { filter, mode } = given;
  const options = {
    dereference: take.optionalBoolean(given, "dereference", false),
    errorOnExist: take.optionalBoolean(given, "errorOnExist", false),
    force: take.optionalBoolean(given, "force", true),
    preserveTimestamps: take.optionalBoolean(given, "preserveTimestamps", false),
    recursive: take.optionalBoolean(given, "recursive", false),
    verbatimSymlinks: take.optionalBoolean(given, "verbatimSymlinks", false),
    mode: mode === undefined || mode === null ? 0 : take.integer(mode, "mode", 0, 7),
  };
  if (options.dereference && options.verbatimSymlinks) {
    const message = 'Option "dereference" cannot be used in combination with option "verbatimSymlinks"';
    throw Object.assign(new TypeError(message), { code: "ERR_INCOMPATIBLE_OPTION_PAIR" });
  }
  if (filter !== undefined && typeof filter !== "function") {
    throw invalidType("options.filter", "of type function", filter);
  }
  return { ...options, filter: filter as CpOptions["filter"] };
}

const TITLES = {
  ERR_FS_CP_DIR_TO_NON_DIR: ["Cannot overwrite non-directory with directory", "EISDIR"],
  ERR_FS_CP_NON_DIR_TO_DIR: ["Cannot overwrite directory with non-directory", "ENOTDIR"],
  ERR_FS_CP_EINVAL: ["Invalid src or dest", "EINVAL"],
  ERR_FS_CP_EEXIST: ["Target already exists", "EEXIST"],
  ERR_FS_CP_SOCKET: ["Cannot copy a socket file", "EINVAL"],
  ERR_FS_CP_FIFO_PIPE: ["Cannot copy a FIFO pipe", "EINVAL"],
  ERR_FS_CP_UNKNOWN: ["Cannot copy an unknown file type", "EINVAL"],
  ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY: ["Cannot overwrite symlink in subdirectory of self", "EINVAL"],
  ERR_FS_EISDIR: ["Path is a directory", "EISDIR"],
} as const satisfies { readonly [code: string]: readonly [string, Refusal["errno"]] };

function refused(code: keyof typeof TITLES, message: string, path: string): Error {
  const [title, name] = TITLES[code];
  return refusal({ code, title, errno: name, message, path, syscall: "cp" });
}

function isDirectory(stat: Stat): boolean {
  return kindOf(stat.mode) === "directory";
}

function sameInode(a: Stat, b: Stat): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}

class Copy {
  readonly #mount: Mount;
  readonly #options: CpOptions;
  readonly #form: Form;

  constructor(mount: Mount, options: CpOptions, form: Form) {
    this.#mount = mount;
    this.#options = options;
    this.#form = form;
  }

  /** Yields what the filter gave; is resumed with its answer. */
  *run(source: string, target: string): Generator<unknown, void, unknown> {
    if (!(yield* this.#wanted(source, target))) return;
    const { from, there } = this.#check(source, target);
    this.#checkParents(source, from, target);
    this.#makeParents(target);
    yield* this.#copy(source, target, from, there);
  }

  #stat(path: string): Stat | number {
    return statOf(this.#mount, path, this.#options.dereference ? "follow" : "nofollow");
  }

  /** What is to be copied, and whether something is where it is to go. */
  #check(source: string, target: string): { readonly from: Stat; readonly there: boolean } {
    const from = this.#stat(source);
    const syscall = this.#options.dereference ? "stat" : "lstat";
    if (typeof from === "number") throw systemError(from, syscall, source);
    const to = this.#stat(target);
    if (typeof to === "number") {
      if (to !== -errno.ENOENT) throw systemError(to, syscall, target);
    } else if (sameInode(from, to)) {
      throw refused("ERR_FS_CP_EINVAL", "src and dest cannot be the same", target);
    } else if (isDirectory(from) && !isDirectory(to)) {
      const message = `cannot overwrite non-directory ${target} with directory ${source}`;
      throw refused("ERR_FS_CP_DIR_TO_NON_DIR", message, target);
    } else if (!isDirectory(from) && isDirectory(to)) {
      const message = `cannot overwrite directory ${target} with non-directory ${source}`;
      throw refused("ERR_FS_CP_NON_DIR_TO_DIR", message, target);
    }
    if (isDirectory(from) && this.#isWithin(source, target)) throw this.#intoItself(source, target);
    return { from, there: typeof to === "object" };
  }

  #intoItself(source: string, target: string): Error {
    return refused("ERR_FS_CP_EINVAL", `cannot copy ${source} to a subdirectory of self ${target}`, target);
  }

  #isWithin(source: string, target: string): boolean {
    const outer = splitPath(absolutePath(this.#mount, source));
    const inner = splitPath(absolutePath(this.#mount, target));
    return outer.every((part, at) => inner[at] === part);
  }

  /**
   * Links may lead the target into the source where the paths do not show it; Node finds that only for
   * the directory itself, and below it copies until a path is too long.
   */
  #checkParents(source: string, from: Stat, target: string): void {
    if (!isDirectory(from)) return;
    const { context } = this.#mount;
    const outer = attributes.placeOf(context, source, "follow", true);
    const parts = splitPath(absolutePath(this.#mount, target)).slice(0, -1);
    for (; typeof outer === "object"; parts.pop()) {
      const inner = attributes.placeOf(context, `/${parts.join("/")}`, "follow", true);
      if (typeof inner === "number") continue;
      const { filesystem } = inner.attachment;
      const inside = filesystem === outer.attachment.filesystem && isWithin(filesystem, inner.id, outer.id);
      if (inside && filesystem.kind(inner.id) === "directory") throw this.#intoItself(source, target);
      return;
    }
  }

  *#wanted(source: string, target: string): Generator<unknown, boolean, unknown> {
    const { filter } = this.#options;
    if (filter === undefined) return true;
    const shown = [source, target].map((path) => take.encodeName(path, undefined) as string);
    return Boolean(yield filter(shown[0]!, shown[1]!));
  }

  #makeParents(target: string): void {
    const parent = posix.dirname(target);
    const stat = statOf(this.#mount, parent, "follow");
    if (typeof stat === "object") return;
    if (this.#form === "async" && stat !== -errno.ENOENT) throw systemError(stat, "stat", parent);
    mkdirAll(this.#mount, parent, 0o777, this.#form);
  }

  *#copy(source: string, target: string, from: Stat, there: boolean): Generator<unknown, void, unknown> {
    const kind: Kind = kindOf(from.mode) ?? "file";
    switch (kind) {
      case "directory":
        if (!this.#options.recursive) {
          const error = refused("ERR_FS_EISDIR", `${source} is a directory (not copied)`, source);
          // The number and the code of this one disagree in Node's synchronous form.
          throw this.#form === "sync" ? withErrno(error, errno.EINVAL) : error;
        }
        return yield* this.#copyDirectory(source, target, from, there);
      case "file":
      case "char":
      case "block":
        return this.#copyFile(source, target, from, there);
      case "symlink":
        return this.#copyLink(source, target, there);
      case "socket":
        throw refused("ERR_FS_CP_SOCKET", `cannot copy a socket file: ${target}`, target);
      case "fifo":
        throw refused("ERR_FS_CP_FIFO_PIPE", `cannot copy a FIFO pipe: ${target}`, target);
    }
  }

  #copyFile(source: string, target: string, from: Stat, there: boolean): void {
    const { force, errorOnExist, mode, preserveTimestamps } = this.#options;
    const { context } = this.#mount;
    if (there) {
      if (!force) {
        if (!errorOnExist) return;
        throw refused("ERR_FS_CP_EEXIST", `${target} already exists`, target);
      }
      succeed(names.unlink(context, target), "unlink", target);
    }
    succeed(copyFile(this.#mount, source, target, mode), "copyfile", source, target);
    if (preserveTimestamps) {
      // What Node keeps is what a Date holds.
      const { atime, mtime } = statsOf(from, false);
      const edits = [take.time(atime), take.time(mtime)] as const;
      succeed(attributes.utimens(context, target, ...edits, "follow", 0n), "utime", target);
    }
    succeed(attributes.chmod(context, target, from.mode, "follow"), "chmod", target);
  }

  *#copyDirectory(
    source: string,
    target: string,
    from: Stat,
    there: boolean,
  ): Generator<unknown, void, unknown> {
    if (!there) succeed(names.mkdir(this.#mount.context, target, 0o777), "mkdir", target);
    const entries = scan(this.#mount, source);
    if (typeof entries === "number") throw systemError(entries, "opendir", source);
    for (const { name } of entries) {
      const inner = posix.join(source, name);
      const outer = posix.join(target, name);
      if (!(yield* this.#wanted(inner, outer))) continue;
      const found = this.#check(inner, outer);
      yield* this.#copy(inner, outer, found.from, found.there);
    }
    if (!there) succeed(attributes.chmod(this.#mount.context, target, from.mode, "follow"), "chmod", target);
  }

  #readlink(path: string): string | number {
    const place = attributes.placeOf(this.#mount.context, path, "nofollow", true);
    if (typeof place === "number") return place;
    const { filesystem } = place.attachment;
    return filesystem.kind(place.id) === "symlink" ? filesystem.readlink(place.id) : -errno.EINVAL;
  }

  /** Where a link leads, as seen from its own directory. */
  #absoluteTarget(link: string, target: string): string {
    if (target.startsWith("/")) return target;
    return absolutePath(this.#mount, `${posix.dirname(link)}/${target}`);
  }

  #copyLink(source: string, target: string, there: boolean): void {
    const { context } = this.#mount;
    const read = this.#readlink(source);
    if (typeof read === "number") throw systemError(read, "readlink", source);
    const leadsTo = this.#options.verbatimSymlinks ? read : this.#absoluteTarget(source, read);
    const old = there ? this.#readlink(target) : -errno.EINVAL;
    if (typeof old === "string") {
      this.#checkLinks(source, leadsTo, target, this.#absoluteTarget(target, old));
      succeed(names.unlink(context, target), "unlink", target);
    } else if (old !== -errno.EINVAL) {
      throw systemError(old, "readlink", target);
    }
    succeed(names.symlink(context, leadsTo, target), "symlink", leadsTo, target);
  }

  #checkLinks(source: string, leadsTo: string, target: string, old: string): void {
    if (this.#isWithin(leadsTo, old)) {
      const message = `cannot copy ${leadsTo} to a subdirectory of self ${old}`;
      throw refused("ERR_FS_CP_EINVAL", message, target);
    }
    const asked = this.#form === "sync" ? target : source;
    const stat = statOf(this.#mount, asked, "follow");
    if (typeof stat === "number") throw systemError(stat, "stat", asked);
    if (isDirectory(stat) && this.#isWithin(old, leadsTo)) {
      const message = `cannot overwrite ${old} with ${leadsTo}`;
      throw refused("ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY", message, target);
    }
  }
}

export function cpSync(mount: Mount, from: unknown, to: unknown, value?: unknown): void {
  const options = cpOptions(value);
  const steps = new Copy(mount, options, "sync").run(take.path(from, "src"), take.path(to, "dest"));
  for (let step = steps.next(); step.done !== true; ) {
    if (step.value instanceof Promise) {
      const message =
        'Expected boolean to be returned from the "filter" function but got an instance of Promise.';
      throw Object.assign(new TypeError(message), { code: "ERR_INVALID_RETURN_VALUE" });
    }
    step = steps.next(step.value);
  }
}

/** The arguments are refused by the call itself, everything else by the promise. */
export function cp(mount: Mount, from: unknown, to: unknown, value?: unknown): Promise<void> {
  const options = cpOptions(value);
  const steps = new Copy(mount, options, "async").run(take.path(from, "src"), take.path(to, "dest"));
  return (async () => {
    for (let step = steps.next(); step.done !== true; ) step = steps.next(await step.value);
  })();
}
