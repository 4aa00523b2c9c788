/** `chown` and `chgrp`. A walk changes symlinks themselves, as GNU's does. */
import { UNCHANGED } from "../../union/attribute-calls.ts";
import type { Mount } from "../../union/mount.ts";
import { CommandError, type Process } from "../shell/process.ts";
import { groupID, userID, users } from "./accounts.ts";
import { forEach } from "./attempts.ts";
import { atLeast, parseOptions } from "./options.ts";
import { walkTree } from "./walk.ts";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const LONG = {
  recursive: "R",
  "no-dereference": "h",
  dereference: "d",
  verbose: "v",
  changes: "c",
  silent: "f",
  quiet: "f",
  reference: "?",
  from: "=",
};
const LETTERS = "RhvcfdHLP?:=:";

/** `USER`, `USER:GROUP`, `USER:` (with the user's own group), `:GROUP`. @throws CommandError */
export function parseOwner(mount: Mount, text: string): Owner {
  const at = text.search(/[:.]/);
  const known = at >= 0 && text[at] === "." && userID(mount, text) !== undefined;
  const user = at < 0 || known ? text : text.slice(0, at);
  const group = at < 0 || known ? undefined : text.slice(at + 1);
  const uid = user === "" ? UNCHANGED : userID(mount, user);
  if (uid === undefined) throw new CommandError(`invalid user: '${text}'`);
  if (group === undefined) return { uid, gid: UNCHANGED };
  if (group === "" && user === "") return { uid, gid: UNCHANGED };
  const gid = group === "" ? users(mount).find((each) => each.uid === uid)?.gid : groupID(mount, group);
  if (gid === undefined)
    throw new CommandError(group === "" ? `invalid spec: '${text}'` : `invalid group: '${text}'`);
  return { uid, gid };
}

export function chown(process: Process): number {
  return change(process, (text) => parseOwner(process.mount, text));
}

export function chgrp(process: Process): number {
  return change(process, (text) => {
    const gid = groupID(process.mount, text);
    if (gid === undefined) throw new CommandError(`invalid group: '${text}'`);
    return { uid: UNCHANGED, gid };
  });
}

function change(process: Process, parse: (text: string) => Owner): number {
  const { mount } = process;
  const options = parseOptions(process.args, LETTERS, LONG);
  const reference = options.value("?");
  const operands = [...options.operands];
  atLeast(operands, reference === undefined ? 2 : 1);
  const owner = reference === undefined ? parse(operands.shift()!) : mount.stat(reference);
  const from = options.value("=");
  const only = from === undefined ? undefined : parseOwner(mount, from);
  const set = (path: string, follow: boolean) => {
    if (only !== undefined) {
      const stat = follow ? mount.stat(path) : mount.lstat(path);
      if (only.uid !== UNCHANGED && only.uid !== stat.uid) return;
      if (only.gid !== UNCHANGED && only.gid !== stat.gid) return;
    }
    if (follow) mount.chown(path, owner.uid, owner.gid);
    else mount.lchown(path, owner.uid, owner.gid);
  };
  return forEach(
    process,
    operands,
    (path) => `cannot access '${path}'`,
    (path) => {
      if (options.has("R")) walkTree(mount, path, (each) => set(each, false));
      else set(path, !options.has("h"));
    },
  );
}
