/**
 * `adduser` and `addgroup`, of which there are two: Debian's, with long options, and busybox's. Which one an
 * image has is told by Debian's `/etc/debian_version`.
 */
import { CommandError, type Process } from "../shell/process.ts";
import { addGroup, addUser, freeID, join, requireFree, requireGroup, requireUser } from "./account-files.ts";
import { groups, users } from "./accounts.ts";
import { makeHome } from "./home.ts";
import { parseOptions } from "./options.ts";

const USER_LONG = {
  home: "h",
  gecos: "g",
  comment: "g",
  shell: "s",
  ingroup: "G",
  gid: "i",
  system: "S",
  "disabled-password": "D",
  "disabled-login": "D",
  "no-create-home": "H",
  uid: "u",
  skel: "k",
  quiet: "q",
  group: "+",
  "allow-bad-names": "q",
  "force-badname": "q",
};

/** The lowest id from `low` on that is free. */
function firstFree(used: readonly number[], low: number): number {
  let id = low;
  while (used.includes(id)) id += 1;
  return id;
}

export function adduser(process: Process): number {
  const { mount } = process;
  const options = parseOptions(process.args, "h:g:s:G:i:SDHu:k:q+", USER_LONG);
  const [name, group] = options.operands;
  if (name === undefined) throw new CommandError("a name is needed");
  if (group !== undefined) {
    join(process, requireUser(process, name).name, [requireGroup(process, group).name]);
    return 0;
  }
  const debian = mount.exists("/etc/debian_version");
  const system = options.has("S");
  const [people, teams] = [users(mount), groups(mount)];
  const taken = people.some((user) => user.name === name);
  if (taken && system && debian) return 0;
  requireFree(taken, debian ? `The user \`${name}' already exists.` : `user '${name}' in use`, 1);
  const [uids, gids] = [people.map(({ uid }) => uid), teams.map(({ gid }) => gid)];
  const asked = options.value("u");
  const uid =
    asked === undefined
      ? firstFree([...uids, ...(options.has("G") ? [] : gids)], system ? 100 : 1000)
      : Number(asked);
  const joined = options.value("G") ?? options.value("i");
  const own = joined === undefined && (!system || options.has("+") || !debian);
  const gid =
    joined !== undefined
      ? requireGroup(process, joined).gid
      : own
        ? gids.includes(uid)
          ? freeID(gids, system)
          : uid
        : 65_534;
  if (own) addGroup(process, { name, gid });
  const home = options.value("h") ?? (system && debian ? "/nonexistent" : `/home/${name}`);
  addUser(process, {
    name,
    uid,
    gid,
    home,
    comment: options.value("g") ?? (debian ? (system ? "" : ",,,") : `Linux User,,,`),
    shell:
      options.value("s") ??
      (system ? (debian ? "/usr/sbin/nologin" : "/sbin/nologin") : debian ? "/bin/bash" : "/bin/sh"),
    system: system && debian,
  });
  if (!options.has("H") && home !== "/nonexistent")
    makeHome(process, home, uid, gid, debian ? (system ? 0o755 : 0o700) : 0o2755, options.value("k"));
  return 0;
}

export function addgroup(process: Process): number {
  const options = parseOptions(process.args, "g:Sq", { gid: "g", system: "S", quiet: "q" });
  const [name, group] = options.operands;
  if (name === undefined) throw new CommandError("a name is needed");
  if (group !== undefined) {
    join(process, requireUser(process, name).name, [requireGroup(process, group).name]);
    return 0;
  }
  const teams = groups(process.mount);
  requireFree(
    teams.some((each) => each.name === name),
    `group '${name}' in use`,
    1,
  );
  const gids = teams.map(({ gid }) => gid);
  const asked = options.value("g");
  addGroup(process, {
    name,
    gid: asked === undefined ? firstFree(gids, options.has("S") ? 100 : 1000) : Number(asked),
  });
  return 0;
}
