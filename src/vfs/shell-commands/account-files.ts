/**
 * Writing the account files as shadow-utils do: each is replaced whole and the one before is kept beside
 * it with a dash, owner and mode unchanged. Files that an image does not have are not made, but for
 * `/etc/passwd` and `/etc/group`.
 */
import { PERMISSION_BITS } from "../../posix/mode.ts";
import { CommandError, type Process } from "../shell/process.ts";
import { type Group, groups, records, type User, users } from "./accounts.ts";
import { maybeStat } from "./walk.ts";

export type Edit = (lines: string[][]) => string[][];

/** @param always makes the file where it is missing */
export function editFile({ mount }: Process, path: string, edit: Edit, always = false): void {
  const stat = maybeStat(mount, path);
  if (stat === undefined && !always) return;
  const before = records(mount, path);
  const text = edit(before)
    .map((fields) => `${fields.join(":")}\n`)
    .join("");
  if (stat !== undefined) {
    const backup = `${path}-`;
    mount.writeFile(backup, mount.readFile(path));
    mount.chmod(backup, stat.mode & PERMISSION_BITS);
    mount.chown(backup, stat.uid, stat.gid);
    mount.utimens(backup, stat.atime, stat.mtime);
  }
  const fresh = `${path}+`;
  mount.writeFile(fresh, text);
  mount.chmod(fresh, stat === undefined ? 0o644 : stat.mode & PERMISSION_BITS);
  if (stat !== undefined) mount.chown(fresh, stat.uid, stat.gid);
  mount.rename(fresh, path);
}

const append =
  (line: string[]): Edit =>
  (lines) => [...lines, line];

export interface NewGroup {
  readonly name: string;
  readonly gid: number;
  readonly members?: readonly string[];
}

export function addGroup(process: Process, { name, gid, members = [] }: NewGroup): void {
  editFile(process, "/etc/group", append([name, "x", String(gid), members.join(",")]), true);
  editFile(process, "/etc/gshadow", append([name, "!", "", members.join(",")]));
}

/**
 * Makes a user a member of groups that exist.
 * @param own a group to add at the same time
 */
export function join(process: Process, user: string, names: readonly string[], own?: NewGroup): void {
  if (names.length === 0 && own === undefined) return;
  const joined: Edit = (lines) =>
    lines.map((fields) => {
      const members = (fields[3] ?? "").split(",").filter((member) => member !== "");
      if (!names.includes(fields[0]!) || members.includes(user)) return fields;
      return [...fields.slice(0, 3), [...members, user].join(",")];
    });
  const added = (fields: string[]) => (own === undefined ? [] : [[own.name, ...fields]]);
  const gid = String(own?.gid);
  editFile(process, "/etc/group", (lines) => [...joined(lines), ...added(["x", gid, ""])], own !== undefined);
  editFile(process, "/etc/gshadow", (lines) => [...joined(lines), ...added(["!", "", ""])]);
}

export interface NewUser extends User {
  readonly system: boolean;
  readonly password?: string;
}

/** Seconds of a day, in nanoseconds. */
const DAY = 86_400n * 1_000_000_000n;

export function addUser(process: Process, user: NewUser): void {
  const { name, uid, gid, comment, home, shell, system, password = "!" } = user;
  const day = String(process.machine.now() / DAY);
  const ages = system ? ["", "", ""] : ["0", "99999", "7"];
  editFile(process, "/etc/passwd", append([name, "x", String(uid), String(gid), comment, home, shell]), true);
  editFile(process, "/etc/shadow", append([name, password, day, ...ages, "", "", ""]));
}

const SUBORDINATES = 65_536;

/** Gives a user a range of subordinate ids, after all others'. */
export function addSubordinates(process: Process, name: string): void {
  for (const path of ["/etc/subuid", "/etc/subgid"]) {
    editFile(process, path, (lines) => {
      const ends = lines.map(([, start, count]) => Number(start) + Number(count));
      return [...lines, [name, String(Math.max(100_000, ...ends)), String(SUBORDINATES)]];
    });
  }
}

/** The next free id: above all in use for people, the highest that is free for the system. */
export function freeID(used: readonly number[], system: boolean, avoided: readonly number[] = used): number {
  const [low, high] = system ? [100, 999] : [1000, 60_000];
  const inside = used.filter((id) => id >= low && id <= high);
  let id = system ? high : Math.max(low - 1, ...inside) + 1;
  while (avoided.includes(id)) id += system ? -1 : 1;
  if (id < low || id > high)
    throw new CommandError(`Can't get unique ${system ? "system " : ""}ID (no more available IDs)`, 4);
  return id;
}

export function requireGroup(process: Process, text: string): Group {
  const all = groups(process.mount);
  const found = all.find(({ name }) => name === text) ?? all.find(({ gid }) => String(gid) === text);
  if (found === undefined) throw new CommandError(`group '${text}' does not exist`, 6);
  return found;
}

export function requireUser(process: Process, name: string): User {
  const found = users(process.mount).find((user) => user.name === name);
  if (found === undefined) throw new CommandError(`user '${name}' does not exist`, 6);
  return found;
}

export function requireFree(taken: boolean, message: string, status = 9): void {
  if (taken) throw new CommandError(message, status);
}

/** Names that useradd and groupadd of Debian take. */
export function requireName(name: string, what: string): void {
  if (!/^[^-~+:,\s/][^:,\s/]{0,31}$/.test(name))
    throw new CommandError(`'${name}' is not a valid ${what} name`, 3);
}
