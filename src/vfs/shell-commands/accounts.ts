/**
 * The account database of an image: `/etc/passwd` and `/etc/group`, as passwd(5) and group(5) have them.
 */

import { nameFromBytes } from "../../posix/names.ts";
import type { Mount } from "../../union/mount.ts";

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly comment: string;
  readonly home: string;
  readonly shell: string;
}

export interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** The fields of each line; none where there is no such file. */
export function records(mount: Mount, path: string): string[][] {
  if (!mount.exists(path)) return [];
  return nameFromBytes(mount.readFile(path))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(":"));
}

export function users(mount: Mount): User[] {
  return records(mount, "/etc/passwd").map(
    ([name = "", , uid, gid, comment = "", home = "", shell = ""]) => ({
      name,
      uid: Number(uid),
      gid: Number(gid),
      comment,
      home,
      shell,
    }),
  );
}

export function groups(mount: Mount): Group[] {
  return records(mount, "/etc/group").map(([name = "", , gid, members = ""]) => ({
    name,
    gid: Number(gid),
    members: members.split(",").filter((member) => member !== ""),
  }));
}

export function userName(mount: Mount, uid: number): string | undefined {
  return users(mount).find((user) => user.uid === uid)?.name;
}

export function groupName(mount: Mount, gid: number): string | undefined {
  return groups(mount).find((group) => group.gid === gid)?.name;
}

const ID = /^\+?\d+$/;

/** A user by name or number. */
export function userID(mount: Mount, text: string): number | undefined {
  return users(mount).find((user) => user.name === text)?.uid ?? (ID.test(text) ? Number(text) : undefined);
}

export function groupID(mount: Mount, text: string): number | undefined {
  return (
    groups(mount).find((group) => group.name === text)?.gid ?? (ID.test(text) ? Number(text) : undefined)
  );
}
