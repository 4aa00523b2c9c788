/**
 * Paths of the host as the two sides of `cp`: links are followed as the host follows them, and what is
 * then copied lies in a mount of the one directory that holds it.
 */
import { existsSync, lstatSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { nameFromBytes } from "../posix/names.ts";
import { joinPath } from "../posix/path.ts";
import { StoreError } from "../store/errors.ts";
import { emptyTree } from "../tree/empty.ts";
import { createMount, type Mount } from "../union/mount.ts";
import { assertsDirectory, type CopySource, type CopyTarget, lastName, meansContents } from "./copy-paths.ts";
import { hostSource } from "./host-filesystem.ts";

const POINT = "/host";

/** A mount that shows one directory of the host at {@link POINT}. */
function mountOf(directory: string): Mount {
  const mount = createMount(emptyTree());
  mount.attach(POINT, hostSource(directory));
  return mount;
}

/** A path's last component as the engine has names. */
function nameOf(path: string): string {
  return nameFromBytes(Buffer.from(basename(path)));
}

/** @throws the system's own error where nothing is there; StoreError (`invalid`) for `file/` */
export function sourceOnHost(given: string, follow: boolean): CopySource {
  const absolute = resolve(given);
  const followed = follow || assertsDirectory(given);
  const isDirectory = (followed ? statSync(absolute) : lstatSync(absolute)).isDirectory();
  if (!isDirectory && assertsDirectory(given)) throw new StoreError("invalid", "not a directory");
  const contentsOnly = isDirectory && meansContents(given);
  const name = lastName(given) === ".." ? nameOf(absolute) : lastName(given);
  const real = followed
    ? realpathSync(absolute)
    : resolve(realpathSync(dirname(absolute)), basename(absolute));
  if (isDirectory) return { mount: mountOf(real), path: POINT, isDirectory, name, contentsOnly };
  const mount = mountOf(dirname(real));
  return { mount, path: joinPath(POINT, nameOf(real)), isDirectory, name, contentsOnly };
}

/** @throws StoreError (`invalid`) where the directory that is to hold it is not there */
export function targetOnHost(given: string): CopyTarget {
  const absolute = resolve(given);
  const asserted = assertsDirectory(given);
  const real = existsSync(absolute) ? realpathSync(absolute) : undefined;
  if (real !== undefined && statSync(real).isDirectory()) {
    return { mount: mountOf(real), path: POINT, is: "directory", asserted };
  }
  const parent = dirname(real ?? absolute);
  if (!existsSync(parent)) {
    throw new StoreError(
      "invalid",
      `invalid output path: directory ${JSON.stringify(parent)} does not exist`,
    );
  }
  const path = joinPath(POINT, nameOf(real ?? absolute));
  return {
    mount: mountOf(realpathSync(parent)),
    path,
    is: real === undefined ? undefined : "other",
    asserted,
  };
}
