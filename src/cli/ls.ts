/**
 * `strata ls`: names in an image, one a line, in byte order; with a leading dot or without.
 */
import type { Command } from "commander";
import { compareNames } from "../posix/names.ts";
import { joinPath } from "../posix/path.ts";
import type { Mount } from "../union/mount.ts";
import type { Stat } from "../union/types.ts";
import type { Context } from "./context.ts";
import { checkArguments } from "./help.ts";
import { absolute, mountImage, reason, shownName } from "./image-files.ts";
import { longLines } from "./long-listing.ts";

interface Options {
  readonly long?: true;
  readonly recursive?: true;
}

const HELP = `
Without a PATH the root is listed. A PATH with wildcards that is not itself a name lists
every path that matches: * and ? within a name, ** across directories, {a,b} and [a-z].
Owners are shown as numbers, times in UTC.

Examples:
  strata ls busybox /bin
  strata ls -lR debian:12 /etc/apt
  strata ls debian:12 '**/*.so.*'
`;

const MISSING = 2;

/** Something to show: what it is called in the output and what it is. */
export interface Listed {
  readonly name: string;
  readonly stat: Stat;
  /** Where a symbolic link leads. */
  readonly target: string | undefined;
}

function isDirectory(stat: Stat): boolean {
  return (stat.mode & 0o170000) === 0o040000;
}

function listed(mount: Mount, path: string, name: string): Listed {
  const stat = mount.lstat(path);
  const isLink = (stat.mode & 0o170000) === 0o120000;
  return { name, stat, target: isLink ? mount.readlink(path) : undefined };
}

class Listing {
  readonly #mount: Mount;
  readonly #context: Context;
  readonly #options: Options;
  #sections = 0;

  constructor(mount: Mount, context: Context, options: Options) {
    this.#mount = mount;
    this.#context = context;
    this.#options = options;
  }

  complain(path: string, error: unknown): void {
    this.#context.complain(`ls: cannot access '${path}': ${reason(error)}`);
    this.#context.exitCode = MISSING;
  }

  async entries(entries: readonly Listed[]): Promise<void> {
    const terminal = this.#context.terminal.stdout.isTTY === true;
    const lines = this.#options.long
      ? longLines(entries, terminal)
      : entries.map(({ name }) => Buffer.concat([shownName(name, terminal), Buffer.from("\n")]));
    await this.#context.write(Buffer.concat(lines));
  }

  async files(paths: readonly string[]): Promise<void> {
    const found = paths.map((path) => listed(this.#mount, absolute(path), path));
    if (found.length > 0) this.#sections += 1;
    await this.entries(found);
  }

  /** A directory's names, under a heading where there is more than one list. */
  async directory(path: string, shown: string, heading: boolean): Promise<void> {
    const names = this.#mount.readdir(path).map(({ name }) => name);
    const entries = names.sort(compareNames).map((name) => listed(this.#mount, joinPath(path, name), name));
    if (heading) {
      const title = Buffer.concat([
        shownName(shown, this.#context.terminal.stdout.isTTY === true),
        Buffer.from(":\n"),
      ]);
      await this.#context.write(this.#sections > 0 ? Buffer.concat([Buffer.from("\n"), title]) : title);
    }
    this.#sections += 1;
    await this.entries(entries);
    if (!this.#options.recursive) return;
    for (const { name } of entries.filter((entry) => isDirectory(entry.stat))) {
      await this.directory(joinPath(path, name), joinPath(shown, name), true);
    }
  }
}

/** Splits what the user named into paths to show as they are and directories to look into. */
async function arrange(mount: Mount, paths: readonly string[], listing: Listing) {
  const files: string[] = [];
  const directories: string[] = [];
  for (const path of paths) {
    try {
      const stat = mount.lstat(absolute(path));
      const followed = (stat.mode & 0o170000) === 0o120000 ? followedStat(mount, path) : stat;
      (isDirectory(followed) ? directories : files).push(path);
    } catch (error) {
      const { globPaths } = await import("./glob.ts");
      const matches = globPaths(mount, path);
      if (matches === undefined || matches.length === 0) listing.complain(path, error);
      else files.push(...matches);
    }
  }
  return { files, directories };
}

/** What a link leads to, or the link itself where that is nothing. */
function followedStat(mount: Mount, path: string): Stat {
  try {
    return mount.stat(absolute(path));
  } catch {
    return mount.lstat(absolute(path));
  }
}

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] IMAGE [PATH...]")
    .option("-l, --long", "Show type, mode, links, owner, group, size, time and link target")
    .option("-R, --recursive", "List directories below as well")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 1);
      const mount = await mountImage(context, args[0]!);
      const paths = args.length > 1 ? args.slice(1) : ["/"];
      const listing = new Listing(mount, context, options);
      const { files, directories } = await arrange(mount, paths, listing);
      await listing.files(files);
      const heading = options.recursive === true || files.length + directories.length > 1;
      for (const path of directories) {
        const clean = path.length > 1 ? path.replace(/\/+$/, "") || "/" : path;
        await listing.directory(absolute(clean), clean, heading);
      }
    });
}
