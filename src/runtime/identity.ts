/**
 * Who a process in a container is: from `USER[:GROUP]` and the container's own `/etc/passwd` and
 * `/etc/group` to a caller and a home directory, as runc resolves it (moby/sys/user, GetExecUser).
 */
import { type Caller, type Capability, makeCaller } from "../posix/caller.ts";
import { StoreError } from "../store/errors.ts";
import type { Mount } from "../union/mount.ts";

/** The highest id that runc takes. */
const MAX_ID = 2 ** 31 - 1;
/** A database of users larger than this is none. */
const MAX_DATABASE = 2 ** 24;

/** What of the engine's capabilities root has in a container that is not privileged (moby, oci/caps/defaults.go). */
const CONTAINER_CAPABILITIES: ReadonlySet<Capability> = new Set<Capability>([
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_MKNOD",
  "CAP_SETFCAP",
]);

export interface Identity {
  /** At `/` with umask 022. */
  readonly caller: Caller;
  /** `/` where the user is in no database. */
  readonly home: string;
  /** Undefined where the user is in no database. */
  readonly name: string | undefined;
}

export interface IdentityOptions {
  /** Root keeps every capability. */
  readonly privileged?: boolean;
}

interface Row {
  readonly name: string;
  readonly id: number;
  readonly fields: readonly string[];
}

/** The lines of a database with a name and an id; others are passed over, as runc does. */
function rows(mount: Mount, path: string): readonly Row[] {
  const found: Row[] = [];
  for (const line of readText(mount, path).split("\n")) {
    const fields = line.trim().split(":");
    const id = number(fields[2] ?? "");
    if (line.trim() !== "" && id !== undefined) found.push({ name: fields[0]!, id, fields });
  }
  return found;
}

function readText(mount: Mount, path: string): string {
  try {
    if (mount.stat(path).size > MAX_DATABASE) return "";
    return new TextDecoder().decode(mount.readFile(path));
  } catch {
    return "";
  }
}

function number(text: string): number | undefined {
  return /^-?[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}

function inRange(id: number): number {
  if (id >= 0 && id <= MAX_ID) return id;
  throw new StoreError("invalid", `uids and gids must be in range 0-${MAX_ID}`);
}

function members(row: Row): readonly string[] {
  return (row.fields[3] ?? "").split(",");
}

/**
 * The identity that a user's name or number stands for in a mount.
 * @param user `USER`, `UID`, either with `:GROUP` or `:GID`; empty for root
 * @throws StoreError (`invalid`) for a name that is in no database
 */
export function resolveIdentity(mount: Mount, user: string, options: IdentityOptions = {}): Identity {
  const root = mount.as({ uid: 0, gid: 0, groups: [], cwd: "/", root: "/" });
  const [userPart = "", groupPart = ""] = user.split(/:(.*)/s);
  const wantedID = userPart === "" ? 0 : number(userPart);
  const row = rows(root, "/etc/passwd").find(({ name, id }) =>
    wantedID === undefined ? name === userPart : id === wantedID,
  );
  if (row === undefined && wantedID === undefined) {
    throw new StoreError("invalid", `unable to find user ${userPart}: no matching entries in passwd file`);
  }
  const uid = row?.id ?? inRange(wantedID ?? 0);
  const name = row?.name;
  const { gid, groups } = resolveGroups(root, groupPart, name, number(row?.fields[3] ?? "") ?? 0);
  const identity = { uid, gid, groups, umask: 0o022, cwd: "/", root: "/" };
  const caller =
    uid === 0 && options.privileged !== true
      ? makeCaller({ ...identity, capabilities: CONTAINER_CAPABILITIES })
      : makeCaller(identity);
  return { caller, home: row?.fields[5] || "/", name };
}

/** The group that is asked for, or the user's own with those that list it as a member. */
function resolveGroups(
  mount: Mount,
  wanted: string,
  user: string | undefined,
  own: number,
): { readonly gid: number; readonly groups: readonly number[] } {
  const all = rows(mount, "/etc/group");
  if (wanted === "") {
    const listed = user === undefined ? [] : all.filter((row) => members(row).includes(user));
    return { gid: own, groups: listed.map(({ id }) => id) };
  }
  const wantedID = number(wanted);
  const row = all.find(({ name, id }) => (wantedID === undefined ? name === wanted : id === wantedID));
  if (row !== undefined) return { gid: row.id, groups: [] };
  if (wantedID !== undefined) return { gid: inRange(wantedID), groups: [] };
  throw new StoreError("invalid", `unable to find group ${wanted}: no matching entries in group file`);
}
