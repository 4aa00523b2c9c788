/** The commands that stratafs brings, by name. */
import type { Command } from "../shell/process.ts";
import { addgroup, adduser } from "./adduser.ts";
import { chmod } from "./chmod.ts";
import { chgrp, chown } from "./chown.ts";
import { cmp } from "./cmp.ts";
import { paste, uniq, wc } from "./count.ts";
import { cp } from "./cp.ts";
import { dd } from "./dd.ts";
import { du } from "./du.ts";
import { find } from "./find.ts";
import { getent } from "./getent.ts";
import { groups, id, whoami } from "./identity.ts";
import { install } from "./install.ts";
import { ln } from "./ln.ts";
import { ls } from "./ls.ts";
import { arch, df, hostname, nproc, uname, which } from "./machine.ts";
import { link, mkdir, mkfifo, mknod, rmdir, unlink } from "./make-nodes.ts";
import { mktemp } from "./mktemp.ts";
import { mv } from "./mv.ts";
import { od } from "./od.ts";
import { echo, printf } from "./print.ts";
import { readlink, realpath } from "./readlink.ts";
import { rm } from "./rm.ts";
import { busybox, env, nice, nohup, setsid, timeout, xargs, yes } from "./run-others.ts";
import { shell } from "./sh.ts";
import { stat } from "./stat.ts";
import { trap, umask } from "./state.ts";
import { tar } from "./tar.ts";
import { test } from "./test.ts";
import { touch } from "./touch.ts";
import { sync, truncate } from "./truncate.ts";
import { groupadd, groupdel, groupmod, useradd, userdel, usermod } from "./useradd.ts";
import { getfattr, setfattr } from "./xattr.ts";

/** Has no prototype: a command may be called `constructor`. */
export const COMMANDS: { readonly [name: string]: Command | undefined } = Object.assign(Object.create(null), {
  "[": test,
  addgroup,
  adduser,
  busybox,
  dd,
  env,
  nice,
  nohup,
  od,
  paste,
  setsid,
  tar,
  test,
  timeout,
  uniq,
  wc,
  xargs,
  yes,
  arch,
  ash: shell,
  bash: shell,
  chgrp,
  chmod,
  chown,
  cmp,
  cp,
  dash: shell,
  df,
  du,
  echo,
  find,
  getent,
  getfattr,
  groupadd,
  groupdel,
  groupmod,
  groups,
  hostname,
  id,
  install,
  link,
  ln,
  ls,
  mkdir,
  mkfifo,
  mknod,
  mktemp,
  mv,
  nproc,
  printf,
  readlink,
  realpath,
  rm,
  rmdir,
  setfattr,
  sh: shell,
  stat,
  sync,
  touch,
  trap,
  truncate,
  umask,
  uname,
  unlink,
  useradd,
  userdel,
  usermod,
  which,
  whoami,
});
