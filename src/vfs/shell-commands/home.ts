/** A new user's home directory, filled from a skeleton. */

import { makeParents } from "../shell/filesystem.ts";
import type { Process } from "../shell/process.ts";
import { TreeCopy } from "./copy-tree.ts";
import { below, maybeLstat, maybeStat, namesIn, walkTree } from "./walk.ts";

export function makeHome(
  process: Process,
  home: string,
  uid: number,
  gid: number,
  mode: number,
  skeleton = "/etc/skel",
): void {
  const { mount } = process;
  if (maybeLstat(mount, home) !== undefined) return;
  makeParents(mount.as({ umask: 0o022 }), home);
  mount.chown(home, uid, gid);
  mount.chmod(home, mode);
  if (maybeStat(mount, skeleton) === undefined) return;
  const copy = new TreeCopy(mount, {
    recursive: true,
    mode: true,
    owner: false,
    times: true,
    xattrs: false,
    links: false,
    follow: "never",
    force: false,
    keep: false,
    update: false,
    replace: false,
  });
  for (const name of namesIn(mount, skeleton)) {
    copy.copy(below(skeleton, name), below(home, name));
    walkTree(mount, below(home, name), (path) => mount.lchown(path, uid, gid));
  }
}
