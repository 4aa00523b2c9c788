/** `useradd`, `usermod`, `userdel`, `groupadd`, `groupmod`, `groupdel`, as shadow-utils of Debian have them. */
import { removeTree } from "../node-fs/remove.ts";
import { CommandError, type Process } from "../shell/process.ts";
import {
  addGroup,
  addSubordinates,
  addUser,
  editFile,
  freeID,
  join,
  requireFree,
  requireGroup,
  requireName,
  requireUser,
} from "./account-files.ts";
import { groups, users } from "./accounts.ts";
import { makeHome } from "./home.ts";
import { type Options, parseOptions } from "./options.ts";
import { maybeLstat } from "./walk.ts";

const USER_LONG = {
  uid: "u",
  gid: "g",
  groups: "G",
  "create-home": "m",
  "no-create-home": "M",
  "home-dir": "d",
  home: "d",
  shell: "s",
  comment: "c",
  system: "r",
  "non-unique": "o",
  password: "p",
  "no-user-group": "N",
  "user-group": "U",
  skel: "k",
  "base-dir": "b",
  expiredate: "e",
  inactive: "f",
  "no-log-init": "l",
  append: "a",
  "move-home": "m",
  login: "l",
  lock: "L",
  unlock: "U",
};

function numeric(text: string, what: string): number {
  if (!/^\d+$/.test(text)) throw new CommandError(`invalid ${what} ID '${text}'`, 3);
  return Number(text);
}

function onlyOperand(options: Options): string {
  const [name] = options.operands;
  if (name === undefined || options.operands.length > 1) throw new CommandError("one name is needed", 2);
  return name;
}

export function useradd(process: Process): number {
  const { mount } = process;
  const options = parseOptions(process.args, "u:g:G:mMd:s:c:rop:NUk:b:e:f:lD", USER_LONG);
  const name = onlyOperand(options);
  requireName(name, "user");
  const [people, teams] = [users(mount), groups(mount)];
  requireFree(
    people.some((user) => user.name === name),
    `user '${name}' already exists`,
  );
  const system = options.has("r");
  const given = options.value("g");
  const own = given === undefined && !options.has("N");
  requireFree(
    own && teams.some((group) => group.name === name),
    `group ${name} exists - if you want to add this user to that group, use -g.`,
  );
  const asked = options.value("u");
  const [uids, gids] = [people.map(({ uid }) => uid), teams.map(({ gid }) => gid)];
  const uid =
    asked === undefined ? freeID(uids, system, own ? [...uids, ...gids] : uids) : numeric(asked, "user");
  requireFree(!options.has("o") && uids.includes(uid), `UID ${uid} is not unique`, 4);
  const others = (options.value("G") ?? "")
    .split(",")
    .filter((text) => text !== "")
    .map((text) => requireGroup(process, text).name);
  let gid = 100;
  if (given !== undefined) ({ gid } = requireGroup(process, given));
  else if (own) gid = gids.includes(uid) ? freeID(gids, system) : uid;
  const home = options.value("d") ?? `${options.value("b") ?? "/home"}/${name}`;
  const password = options.value("p");
  addUser(process, {
    name,
    uid,
    gid,
    home,
    system,
    comment: options.value("c") ?? "",
    shell: options.value("s") ?? "/bin/sh",
    ...(password !== undefined && { password }),
  });
  join(process, name, others, own ? { name, gid } : undefined);
  if (!system && uid <= 60_000) addSubordinates(process, name);
  if (options.has("m") && !options.has("M")) makeHome(process, home, uid, gid, 0o755, options.value("k"));
  return 0;
}

export function usermod(process: Process): number {
  const { mount } = process;
  const options = parseOptions(process.args, "u:g:G:amd:s:c:op:l:LUe:f:", USER_LONG);
  const user = requireUser(process, onlyOperand(options));
  const [list, asked, primary, login] = [
    options.value("G"),
    options.value("u"),
    options.value("g"),
    options.value("l"),
  ];
  if (list !== undefined) {
    const names = list
      .split(",")
      .filter((text) => text !== "")
      .map((text) => requireGroup(process, text).name);
    if (!options.has("a")) {
      const leave = (lines: string[][]) =>
        lines.map((fields) => (names.includes(fields[0]!) ? fields : withoutMember(fields, user.name)));
      editFile(process, "/etc/group", leave);
      editFile(process, "/etc/gshadow", leave);
    }
    join(process, user.name, names);
  }
  const uid = asked === undefined ? user.uid : numeric(asked, "user");
  requireFree(
    uid !== user.uid && !options.has("o") && users(mount).some((each) => each.uid === uid),
    `UID '${uid}' already exists`,
    4,
  );
  const gid = primary === undefined ? user.gid : requireGroup(process, primary).gid;
  const home = options.value("d") ?? user.home;
  const fields = [
    login ?? user.name,
    "x",
    String(uid),
    String(gid),
    options.value("c") ?? user.comment,
    home,
    options.value("s") ?? user.shell,
  ];
  if (
    fields.join(":") !== [user.name, "x", user.uid, user.gid, user.comment, user.home, user.shell].join(":")
  ) {
    editFile(process, "/etc/passwd", (lines) =>
      lines.map((line) => (line[0] === user.name ? [fields[0]!, line[1]!, ...fields.slice(2)] : line)),
    );
  }
  const password = options.value("p");
  if (password !== undefined || login !== undefined || options.has("L") || options.has("U")) {
    editFile(process, "/etc/shadow", (lines) =>
      lines.map((line) => {
        if (line[0] !== user.name) return line;
        const bare = line[1]!.replace(/^!/, "");
        const secret = password ?? (options.has("L") ? `!${bare}` : options.has("U") ? bare : line[1]!);
        return [login ?? user.name, secret, ...line.slice(2)];
      }),
    );
  }
  if (options.has("m") && home !== user.home && maybeLstat(mount, user.home) !== undefined)
    mount.rename(user.home, home);
  return 0;
}

function withoutMember(fields: string[], user: string): string[] {
  const members = (fields[3] ?? "").split(",").filter((member) => member !== user);
  return [...fields.slice(0, 3), members.join(",")];
}

export function userdel(process: Process): number {
  const { mount } = process;
  const options = parseOptions(process.args, "rfZ", { remove: "r", force: "f" });
  const { name, home, gid } = requireUser(process, onlyOperand(options));
  const others = (lines: string[][]) => lines.filter((line) => line[0] !== name);
  for (const path of ["/etc/passwd", "/etc/shadow", "/etc/subuid", "/etc/subgid"])
    editFile(process, path, others);
  const own = groups(mount).find((group) => group.name === name);
  const alone =
    own !== undefined &&
    own.gid === gid &&
    own.members.length === 0 &&
    !users(mount).some((user) => user.gid === gid);
  const leave = (lines: string[][]) =>
    (alone ? others(lines) : lines).map((fields) => withoutMember(fields, name));
  editFile(process, "/etc/group", leave);
  editFile(process, "/etc/gshadow", leave);
  if (options.has("r") && maybeLstat(mount, home) !== undefined) removeTree(mount, home);
  return 0;
}

export function groupadd(process: Process): number {
  const options = parseOptions(process.args, "g:rfop:U:", {
    gid: "g",
    system: "r",
    force: "f",
    "non-unique": "o",
    password: "p",
    users: "U",
  });
  const name = onlyOperand(options);
  requireName(name, "group");
  const teams = groups(process.mount);
  if (teams.some((group) => group.name === name)) {
    if (options.has("f")) return 0;
    throw new CommandError(`group '${name}' already exists`, 9);
  }
  const gids = teams.map((group) => group.gid);
  const asked = options.value("g");
  const gid = asked === undefined ? freeID(gids, options.has("r")) : numeric(asked, "group");
  requireFree(gids.includes(gid) && !options.has("o"), `GID '${gid}' already exists`, 4);
  addGroup(process, { name, gid });
  return 0;
}

export function groupmod(process: Process): number {
  const options = parseOptions(process.args, "g:n:o", { gid: "g", "new-name": "n", "non-unique": "o" });
  const group = requireGroup(process, onlyOperand(options));
  const [asked, name = group.name] = [options.value("g"), options.value("n")];
  const gid = asked === undefined ? group.gid : numeric(asked, "group");
  editFile(process, "/etc/group", (lines) =>
    lines.map((line) => (line[0] === group.name ? [name, line[1]!, String(gid), ...line.slice(3)] : line)),
  );
  if (name !== group.name)
    editFile(process, "/etc/gshadow", (lines) =>
      lines.map((line) => (line[0] === group.name ? [name, ...line.slice(1)] : line)),
    );
  if (gid !== group.gid) {
    editFile(process, "/etc/passwd", (lines) =>
      lines.map((line) =>
        Number(line[3]) === group.gid ? [...line.slice(0, 3), String(gid), ...line.slice(4)] : line,
      ),
    );
  }
  return 0;
}

export function groupdel(process: Process): number {
  const group = requireGroup(process, onlyOperand(parseOptions(process.args, "f", { force: "f" })));
  const user = users(process.mount).find(({ gid }) => gid === group.gid);
  if (user !== undefined) throw new CommandError(`cannot remove the primary group of user '${user.name}'`, 8);
  const others = (lines: string[][]) => lines.filter((line) => line[0] !== group.name);
  editFile(process, "/etc/group", others);
  editFile(process, "/etc/gshadow", others);
  return 0;
}
