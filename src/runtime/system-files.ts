/**
 * What a process finds in every container beside its image's files: `/proc`, `/dev`, `/sys`, and its
 * names in `/etc`. All of it is attached, so none of it is ever among a container's changes, and made
 * afresh for each command.
 *
 * There is no kernel, so `/proc` and `/sys` hold only what programs commonly read, fixed when the command
 * starts.
 */
import { cpus, loadavg, release, totalmem, uptime } from "node:os";
import { emptyTree } from "../tree/empty.ts";
import type { Source } from "../union/attach.ts";
import { createMount, type Mount, tmpfs } from "../union/mount.ts";
import { deviceSources } from "./devices.ts";

export interface SystemFiles {
  readonly hostname: string;
  /** The command line that `/proc/self` tells of. */
  readonly args: readonly string[];
}

const SHM_BYTES = 64 * 1024 * 1024;

/** A filesystem in memory with some files; a name that ends with a slash is a directory, `->` a link. */
function filesIn(files: Readonly<Record<string, string>>): Mount {
  const mount = createMount(emptyTree());
  const ensure = (directory: string) => {
    let path = "";
    for (const part of directory.split("/").filter((name) => name !== "")) {
      path += `/${part}`;
      if (!mount.exists(path)) mount.mkdir(path, 0o755);
    }
  };
  for (const [name, content] of Object.entries(files)) {
    ensure(name.slice(0, name.lastIndexOf("/") + 1));
    if (name.endsWith("/")) continue;
    if (content.startsWith("-> ")) mount.symlink(content.slice(3), name);
    else mount.writeFile(name, content, 0o644);
  }
  return mount;
}

function kilobytes(bytes: number): string {
  return `${Math.floor(bytes / 1024)} kB`;
}

function proc({ hostname, args }: SystemFiles): Source {
  const processors = cpus().map(({ model }, i) => `processor\t: ${i}\nmodel name\t: ${model}\n\n`);
  const memory = kilobytes(totalmem());
  const load = loadavg().map((value) => value.toFixed(2));
  const mounts = [
    "stratafs / stratafs rw 0 0",
    "proc /proc proc ro,nosuid,nodev,noexec 0 0",
    "tmpfs /dev tmpfs rw,nosuid,mode=755 0 0",
    "shm /dev/shm tmpfs rw,nosuid,nodev,noexec,size=65536k 0 0",
    "sysfs /sys sysfs ro,nosuid,nodev,noexec 0 0",
    "",
  ].join("\n");
  const program = args[0] ?? "";
  const name = program.slice(program.lastIndexOf("/") + 1).slice(0, 15);
  return filesIn({
    "/1/cmdline": args.map((arg) => `${arg}\0`).join(""),
    "/1/comm": `${name}\n`,
    "/1/mounts": mounts,
    "/1/stat": `1 (${name}) R 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 0 0 0\n`,
    "/1/status": `Name:\t${name}\nState:\tR (running)\nPid:\t1\nPPid:\t0\n`,
    "/cpuinfo": processors.join(""),
    "/filesystems": "nodev\tproc\nnodev\tsysfs\nnodev\ttmpfs\nnodev\tstratafs\n",
    "/loadavg": `${load.join(" ")} 1/1 1\n`,
    "/meminfo": `MemTotal: ${memory}\nMemFree: ${memory}\nMemAvailable: ${memory}\n`,
    "/mounts": "-> self/mounts",
    "/self": "-> 1",
    "/sys/kernel/hostname": `${hostname}\n`,
    "/sys/kernel/osrelease": `${release()}\n`,
    "/sys/kernel/ostype": "Linux\n",
    "/uptime": `${uptime().toFixed(2)} 0.00\n`,
    "/version": `Linux version ${release()} (stratafs)\n`,
  }).subtree("/");
}

/** Where these lead there is nothing without a kernel; a shell knows their names by itself. */
const DEV_LINKS = {
  "/fd": "-> /proc/self/fd",
  "/stdin": "-> /proc/self/fd/0",
  "/stdout": "-> /proc/self/fd/1",
  "/stderr": "-> /proc/self/fd/2",
};

/**
 * Attaches all of it to a mount that is the process's own. What an image leaves no room for, because a
 * directory is missing or something else has its name, is left out.
 */
export function attachSystemFiles(mount: Mount, files: SystemFiles): void {
  const { hostname } = files;
  const attach = (path: string, source: Source, readOnly = false) => {
    try {
      mount.attach(path, source, { readOnly });
    } catch {
      // An image may have a file named `/dev`, or no `/etc`.
    }
  };
  attach("/proc", proc(files), true);
  attach(
    "/sys",
    filesIn({ "/class/": "", "/devices/": "", "/fs/cgroup/": "", "/kernel/": "" }).subtree("/"),
    true,
  );
  attach("/dev", filesIn({ ...DEV_LINKS, "/mqueue/": "", "/pts/": "", "/shm/": "" }).subtree("/"));
  for (const [name, source] of deviceSources()) attach(`/dev/${name}`, source);
  attach("/dev/shm", tmpfs({ limits: { bytes: SHM_BYTES } }));
  const names = filesIn({
    "/hosts": `127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\t${hostname}\n`,
    "/hostname": `${hostname}\n`,
    "/resolv.conf": "",
  });
  for (const name of ["hosts", "hostname", "resolv.conf"]) attach(`/etc/${name}`, names.subtree(`/${name}`));
}
