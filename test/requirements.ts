/**
 * What a test needs from the machine beside Node: a tool, a real image, root, kernel overlayfs.
 *
 * Each function gives `undefined` where the need is met, else the reason why not, so that it reads
 *
 *     describe.skipIf(needs.tool("umoci", "umoci") ?? needs.image("torture-bb"))("…", () => { … });
 *
 * A reason is printed once. Under `CI=true` a missing requirement is no reason to skip but an error:
 * what CI is there to prove must not vanish silently.
 */
import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where the real images lie: beside the repository, not in it. */
export const IMAGES = fileURLToPath(new URL("../../shared/images/", import.meta.url));

/** The path of a real image: an OCI layout directory, or an archive if the name ends in `.tar`. */
export function imagePath(name: string): string {
  return join(IMAGES, name);
}

const announced = new Set<string>();

function unmet(reason: string): string {
  if (process.env.CI === "true") throw new Error(`a test requirement is missing in CI: ${reason}`);
  if (!announced.has(reason)) process.stderr.write(`skipping tests: ${reason}\n`);
  announced.add(reason);
  return reason;
}

/** Whether a command is found, as a shell would: sbin too, which a user's PATH may lack. */
function isCommand(command: string): boolean {
  const directories = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return directories.some((directory) => {
    try {
      accessSync(join(directory, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const isRoot = process.getuid?.() === 0;

/** Mounts an overlay over two tmpfs directories in a mount namespace of its own, then lets it vanish. */
const MOUNT_OVERLAY = `
set -e
mount -t tmpfs none /mnt
mkdir /mnt/l /mnt/u /mnt/w /mnt/m
mount -t overlay overlay -o lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w,index=on,redirect_dir=on /mnt/m
`;

let overlayWorks: boolean | undefined;

function canMountOverlay(): boolean {
  try {
    execFileSync("unshare", ["--mount", "sh", "-c", MOUNT_OVERLAY], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

export const needs = {
  /** A command, and the Debian package that brings it. */
  tool(command: string, debianPackage: string): string | undefined {
    if (isCommand(command)) return undefined;
    return unmet(`the command ${command} is not there (Debian: apt-get install ${debianPackage})`);
  },

  /** A real image of `../shared/images`, by its name there. */
  image(name: string): string | undefined {
    if (existsSync(imagePath(name))) return undefined;
    return unmet(`the image ${name} is not in ../shared/images`);
  },

  /** Root, for ownership, devices and trusted xattrs. */
  root(): string | undefined {
    return isRoot ? undefined : unmet("they need root");
  },

  /** Linux with overlayfs, root to mount it, and python3 to drive it. */
  kernelOverlay(): string | undefined {
    if (!isRoot) return unmet("kernel overlayfs needs root");
    overlayWorks ??= canMountOverlay();
    if (!overlayWorks) return unmet("kernel overlayfs cannot be mounted here");
    return needs.tool("python3", "python3");
  },
};
