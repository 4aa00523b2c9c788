/**
 * A mount that nobody changes, as files to copy from: a stage, an image, a named context.
 */
import { kindOf } from "../posix/mode.ts";
import type { Mount } from "../union/mount.ts";
import { type FileView, inByteOrder, type ViewEntry } from "./context/view.ts";
import { kindAt } from "./resolve-path.ts";

export function mountView(mount: Mount): FileView {
  return {
    entry(path): ViewEntry | undefined {
      if (kindAt(mount, path) === undefined) return undefined;
      const { nlink, dev, ino, mode } = mount.lstat(path);
      const inode = mount.inode(path);
      return nlink > 1 && kindOf(mode) !== "directory" ? { inode, identity: `${dev}:${ino}` } : { inode };
    },
    list: (path) =>
      kindAt(mount, path) === "directory" ? inByteOrder(mount.readdir(path).map(({ name }) => name)) : [],
  };
}
