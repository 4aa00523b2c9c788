/** `id`, `whoami`, `groups`, `logname`: who the caller is, in the image's words. */
import { CommandError, type Process } from "../shell/process.ts";
import { groups as allGroups, groupName, userName, users } from "./accounts.ts";
import { parseOptions } from "./options.ts";

interface Identity {
  readonly uid: number;
  readonly gid: number;
  /** The own group first. */
  readonly groups: readonly number[];
}

function identityOf(process: Process, name: string | undefined): Identity {
  const { mount } = process;
  if (name === undefined) {
    const { uid, gid, groups } = mount.caller;
    return { uid, gid, groups: [...new Set([gid, ...groups])] };
  }
  const user =
    users(mount).find((each) => each.name === name) ?? users(mount).find((each) => String(each.uid) === name);
  if (user === undefined) throw new CommandError(`'${name}': no such user`);
  const others = allGroups(mount).filter(({ members }) => members.includes(user.name));
  return { uid: user.uid, gid: user.gid, groups: [...new Set([user.gid, ...others.map(({ gid }) => gid)])] };
}

export function id(process: Process): number {
  const { mount } = process;
  const options = parseOptions(process.args, "ugGnrza", {
    user: "u",
    group: "g",
    groups: "G",
    name: "n",
    real: "r",
    zero: "z",
  });
  const identity = identityOf(process, options.operands[0]);
  const named = options.has("n");
  const user = (uid: number) => (named ? (userName(mount, uid) ?? String(uid)) : String(uid));
  const group = (gid: number) => (named ? (groupName(mount, gid) ?? String(gid)) : String(gid));
  const full = (kind: string, number: number, name: string | undefined) =>
    `${kind}${number}${name === undefined ? "" : `(${name})`}`;
  let text: string;
  if (options.has("u")) text = user(identity.uid);
  else if (options.has("g")) text = group(identity.gid);
  else if (options.has("G")) text = identity.groups.map(group).join(" ");
  else {
    const groups = identity.groups.map((gid) => full("", gid, groupName(mount, gid))).join(",");
    text = `${full("uid=", identity.uid, userName(mount, identity.uid))} ${full("gid=", identity.gid, groupName(mount, identity.gid))} groups=${groups}`;
  }
  process.write(`${text}\n`);
  return 0;
}

export function whoami(process: Process): number {
  const { uid } = process.mount.caller;
  const name = userName(process.mount, uid);
  if (name === undefined) throw new CommandError(`cannot find name for user ID ${uid}`);
  process.write(`${name}\n`);
  return 0;
}

export function groups(process: Process): number {
  const names = process.args.length === 0 ? [undefined] : process.args;
  for (const name of names) {
    const list = identityOf(process, name).groups.map((gid) => groupName(process.mount, gid) ?? String(gid));
    process.write(`${name === undefined ? "" : `${name} : `}${list.join(" ")}\n`);
  }
  return 0;
}
