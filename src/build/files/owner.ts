/**
 * `--chown=USER[:GROUP]` (5.3). Numbers stand for themselves; names are looked up in the files of the stage
 * that is copied into. A numeric user without a group has the group of its own number; a named one its
 * primary group.
 */

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The text of `/etc/passwd` and `/etc/group`, or undefined where there is none. */
export interface UserFiles {
  readonly passwd: string | undefined;
  readonly group: string | undefined;
}

export class OwnerError extends Error {
  override readonly name = "OwnerError";
}

/** 2^32-1 is chown(2)'s "unchanged". */
const MAX_ID = 2 ** 32 - 2;

function idOf(text: string): number | undefined {
  if (!/^[0-9]+$/.test(text)) return undefined;
  const id = Number(text);
  if (id > MAX_ID) throw new OwnerError(`the ID ${text} is above ${MAX_ID}`);
  return id;
}

/** The fields of the first entry of a name (passwd(5), group(5)). */
function entryOf(file: string | undefined, name: string): readonly string[] | undefined {
  for (const line of (file ?? "").split("\n")) {
    const fields = line.trim().split(":");
    if (fields[0] === name && fields.length > 2) return fields;
  }
  return undefined;
}

function field(fields: readonly string[], at: number, file: string): number {
  const id = idOf(fields[at] ?? "");
  if (id === undefined) throw new OwnerError(`${file} has no ID for ${fields[0]}`);
  return id;
}

function userOf(name: string, passwd: string | undefined): Owner {
  const id = idOf(name);
  if (id !== undefined) return { uid: id, gid: id };
  const fields = entryOf(passwd, name);
  if (fields === undefined) {
    throw new OwnerError(`unable to find user ${name}: ${missing(passwd, "/etc/passwd")}`);
  }
  return { uid: field(fields, 2, "/etc/passwd"), gid: field(fields, 3, "/etc/passwd") };
}

function groupOf(name: string, group: string | undefined): number {
  const id = idOf(name);
  if (id !== undefined) return id;
  const fields = entryOf(group, name);
  if (fields === undefined) {
    throw new OwnerError(`unable to find group ${name}: ${missing(group, "/etc/group")}`);
  }
  return field(fields, 2, "/etc/group");
}

function missing(file: string | undefined, path: string): string {
  return file === undefined ? `there is no ${path}` : `no matching entries in ${path}`;
}

/**
 * Whom files are to belong to.
 * @throws OwnerError
 */
export function parseOwner(text: string, files: UserFiles): Owner {
  const [user = "", group, ...more] = text.split(":");
  if (more.length > 0 || (user === "" && !group))
    throw new OwnerError(`invalid chown string format: ${text}`);
  const owner = user === "" ? { uid: 0, gid: 0 } : userOf(user, files.passwd);
  return group === undefined || group === "" ? owner : { uid: owner.uid, gid: groupOf(group, files.group) };
}
