/**
 * Copying files and trees with what `cp -a` keeps: owners, modes, times, xattrs, hardlinks among what is
 * copied, symlinks and special files as themselves. `cp`, `mv` between filesystems and `install` share it.
 */
import { kindOf, PERMISSION_BITS } from "../../posix/mode.ts";
import type { Mount } from "../../union/mount.ts";
import type { Stat } from "../../union/types.ts";
import { copyFile } from "../shell/copy.ts";
import { CommandError } from "../shell/process.ts";
import { below, isDirectory, maybeLstat, maybeStat, namesIn } from "./walk.ts";

export interface CopyOptions {
  readonly recursive: boolean;
  readonly mode: boolean;
  readonly owner: boolean;
  readonly times: boolean;
  readonly xattrs: boolean;
  readonly links: boolean;
  /** Follow no symlink, those given as operands, or all. */
  readonly follow: "never" | "operands" | "always";
  readonly force: boolean;
  /** Leaves what exists. */
  readonly keep: boolean;
  /** Replaces only what is older. */
  readonly update: boolean;
  /** Makes hardlinks, or symlinks, instead of copies. */
  readonly instead?: "link" | "symlink";
  /** Removes each target before it is made. */
  readonly replace: boolean;
  readonly tell?: (from: string, to: string) => void;
}

export class TreeCopy {
  readonly #mount: Mount;
  readonly #options: CopyOptions;
  /** Where the first name of each hardlinked file went. */
  readonly #linked = new Map<string, string>();
  /** Directories made by this copy, which is not to descend into them. */
  readonly #made = new Set<string>();

  constructor(mount: Mount, options: CopyOptions) {
    this.#mount = mount;
    this.#options = options;
  }

  copy(from: string, to: string, operand = true): void {
    const mount = this.#mount;
    const options = this.#options;
    const follows = options.follow === "always" || (operand && options.follow === "operands");
    const stat = follows ? mount.stat(from) : mount.lstat(from);
    if (isDirectory(stat)) {
      this.#copyDirectory(from, to, stat);
      return;
    }
    const existing = maybeLstat(mount, to);
    const target = existing === undefined ? undefined : (maybeStat(mount, to) ?? existing);
    if (target !== undefined) {
      if (options.keep || (options.update && target.mtime >= stat.mtime)) return;
      if (isDirectory(target))
        throw new CommandError(`cannot overwrite directory '${to}' with non-directory`);
      if (target.dev === stat.dev && target.ino === stat.ino && options.instead === undefined) {
        throw new CommandError(`'${from}' and '${to}' are the same file`);
      }
    }
    const group = `${stat.dev}:${stat.ino}`;
    const first = options.links && stat.nlink > 1 ? this.#linked.get(group) : undefined;
    if (first !== undefined || options.instead !== undefined) {
      if (existing !== undefined && (options.force || first !== undefined)) mount.unlink(to);
      if (first !== undefined) mount.link(first, to);
      else if (options.instead === "link") mount.link(from, to);
      else mount.symlink(from, to);
    } else {
      this.#make(from, to, stat, existing);
      if (stat.nlink > 1) this.#linked.set(group, to);
      this.#dress(from, to, stat);
    }
    options.tell?.(from, to);
  }

  #make(from: string, to: string, stat: Stat, existing: Stat | undefined): void {
    const mount = this.#mount;
    const kind = kindOf(stat.mode)!;
    const mode = stat.mode & PERMISSION_BITS & (this.#options.mode ? 0o700 : 0o777);
    if (kind === "file") {
      if (existing !== undefined && this.#options.replace) mount.unlink(to);
      try {
        copyFile(mount, from, to, mode);
      } catch (error) {
        if (
          !this.#options.force ||
          maybeLstat(mount, to) === undefined ||
          maybeStat(mount, from) === undefined
        )
          throw error;
        mount.unlink(to);
        copyFile(mount, from, to, mode);
      }
      return;
    }
    if (existing !== undefined) mount.unlink(to);
    if (kind === "symlink") mount.symlink(mount.readlink(from), to);
    else mount.mknod(to, kind, mode, stat.rdev);
  }

  #copyDirectory(from: string, to: string, stat: Stat): void {
    const mount = this.#mount;
    const { recursive, tell } = this.#options;
    if (!recursive) throw new CommandError(`-r not specified; omitting directory '${from}'`);
    if (this.#made.has(`${stat.dev}:${stat.ino}`)) {
      throw new CommandError(`cannot copy a directory, '${from}', into itself, '${to}'`);
    }
    const existing = maybeStat(mount, to);
    if (existing === undefined) {
      // The owner's until it is filled.
      mount.mkdir(to, (stat.mode & 0o777) | 0o700);
      const made = mount.lstat(to);
      this.#made.add(`${made.dev}:${made.ino}`);
      tell?.(from, to);
    } else if (!isDirectory(existing)) {
      throw new CommandError(`cannot overwrite non-directory '${to}' with directory '${from}'`);
    }
    for (const name of namesIn(mount, from)) this.copy(below(from, name), below(to, name), false);
    if (existing === undefined && !this.#options.mode)
      mount.chmod(to, stat.mode & 0o777 & ~mount.caller.umask);
    this.#dress(from, to, stat);
  }

  /** Sets what is kept, in the order in which one setting does not undo another. */
  #dress(from: string, to: string, stat: Stat): void {
    const mount = this.#mount;
    const { owner, mode, times, xattrs } = this.#options;
    const kind = kindOf(stat.mode);
    if (owner) {
      try {
        mount.lchown(to, stat.uid, stat.gid);
      } catch {
        // Not the caller's to give away: cp -p says nothing.
      }
    }
    if (xattrs) {
      for (const name of mount.llistxattr(from)) mount.lsetxattr(to, name, mount.lgetxattr(from, name));
    }
    if (mode && kind !== "symlink") mount.chmod(to, stat.mode & PERMISSION_BITS);
    if (times) mount.lutimens(to, stat.atime, stat.mtime);
  }
}
