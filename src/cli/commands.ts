/**
 * Which commands there are. A command's module is loaded when the command is run.
 *
 * As in Docker, a command may stand alone, in a group of what it manages, or in both: `strata ps` and
 * `strata container ls` are one module. A module that behaves differently in a group exports another
 * `CommandModule` for it.
 */
import type { Command } from "commander";
import type { Context } from "./context.ts";

/** What a command's module has. */
export interface CommandModule {
  /** Adds options, arguments, help and action. */
  define(command: Command, context: Context): void;
}

export interface Registration {
  readonly summary: string;
  /** Not listed in help. */
  readonly hidden?: true;
  /** Other words for it in its group. */
  readonly aliases?: readonly string[];
  load(): Promise<CommandModule>;
}

export interface Group {
  readonly summary: string;
  readonly commands: ReadonlyMap<string, Registration>;
}

const build: Registration = {
  summary: "Build an image from a Dockerfile",
  load: () => import("./build.ts"),
};
const history: Registration = {
  summary: "Show the history of an image",
  load: () => import("./history.ts"),
};
const importImage: Registration = {
  summary: "Make an image of an archive of files",
  load: () => import("./import.ts"),
};
const images: Registration = { summary: "List images", load: () => import("./images.ts") };
const load: Registration = {
  summary: "Load images from an archive or a directory",
  load: () => import("./load.ts"),
};
const pull: Registration = { summary: "Pull an image from a registry", load: () => import("./pull.ts") };
const push: Registration = { summary: "Push an image to a registry", load: () => import("./push.ts") };
const save: Registration = { summary: "Save images to an archive", load: () => import("./save.ts") };
const ps: Registration = { summary: "List containers", load: () => import("./ps.ts") };

const rmi: Registration = { summary: "Remove images", load: () => import("./rmi.ts") };
const tag: Registration = { summary: "Give an image another name", load: () => import("./tag.ts") };

/** Commands on containers, which stand alone and in the group `container`. */
const CONTAINER_COMMANDS: readonly (readonly [string, Registration])[] = [
  ["commit", { summary: "Make an image of a container", load: () => import("./commit.ts") }],
  ["cp", { summary: "Copy files between a container and the host", load: () => import("./cp.ts") }],
  ["create", { summary: "Make a container of an image", load: () => import("./create.ts") }],
  ["diff", { summary: "Show what a container changed", load: () => import("./diff.ts") }],
  ["exec", { summary: "Run a command in a container", load: () => import("./exec.ts") }],
  ["export", { summary: "Write a container's files to an archive", load: () => import("./export.ts") }],
  ["fork", { summary: "Make a container that starts as another is", load: () => import("./fork.ts") }],
  ["rename", { summary: "Rename a container", load: () => import("./rename.ts") }],
  ["restore", { summary: "Take a container back to a snapshot", load: () => import("./restore.ts") }],
  ["rm", { summary: "Remove containers", aliases: ["remove"], load: () => import("./rm.ts") }],
  ["run", { summary: "Run a command in a new container", load: () => import("./run.ts") }],
  ["snapshot", { summary: "Keep moments of a container", load: () => import("./snapshot.ts") }],
  ["start", { summary: "Run a container's command again", load: () => import("./start.ts") }],
];

/** Docker's commands that make no sense here, which say so. */
const DAEMON_COMMANDS = [
  ...["attach", "kill", "logs", "pause", "port", "restart", "stats", "stop", "top", "unpause", "update"],
  "wait",
].map((name): readonly [string, Registration] => [
  name,
  { summary: "", hidden: true, load: async () => (await import("./no-daemon.ts")).noDaemon(name) },
]);

function sorted(commands: readonly (readonly [string, Registration])[]): ReadonlyMap<string, Registration> {
  return new Map(commands.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

export const COMMANDS: ReadonlyMap<string, Registration> = sorted([
  ...CONTAINER_COMMANDS.map(([name, { aliases: _, ...registration }]) => [name, registration] as const),
  ...DAEMON_COMMANDS,
  ["build", build],
  ["cat", { summary: "Print files of an image", load: () => import("./cat.ts") }],
  [
    "completion",
    { summary: "Print what makes a shell complete commands", load: () => import("./completion.ts") },
  ],
  [
    "copy",
    {
      summary: "Copy an image between registries, archives, layouts and the store",
      load: () => import("./copy.ts"),
    },
  ],
  ["history", history],
  ["images", images],
  ["import", importImage],
  [
    "inspect",
    { summary: "Show all that is known of containers and images", load: () => import("./inspect.ts") },
  ],
  ["load", load],
  ["login", { summary: "Log in to a registry", load: () => import("./login.ts") }],
  ["logout", { summary: "Log out from a registry", load: () => import("./logout.ts") }],
  ["ls", { summary: "List files of an image", load: () => import("./ls.ts") }],
  ["mtree", { summary: "Print an image's files as an mtree manifest", load: () => import("./mtree.ts") }],
  ["ps", ps],
  ["pull", pull],
  ["push", push],
  [
    "repack",
    { summary: "Make an image of a directory that was unpacked", load: () => import("./repack.ts") },
  ],
  ["rmi", rmi],
  ["save", save],
  ["search", { summary: "Search a registry for repositories", load: () => import("./search.ts") }],
  ["tag", tag],
  ["tags", { summary: "List the tags that a registry has of a repository", load: () => import("./tags.ts") }],
  ["unpack", { summary: "Write an image's files into a directory", load: () => import("./unpack.ts") }],
  ["whence", { summary: "Show which layers a file comes from", load: () => import("./whence.ts") }],
]);

export const GROUPS: ReadonlyMap<string, Group> = new Map<string, Group>([
  [
    "builder",
    {
      summary: "Manage builds",
      commands: sorted([
        ["build", build],
        ["du", { summary: "List the build cache", aliases: ["ls"], load: () => import("./builder-du.ts") }],
        ["prune", { summary: "Remove build cache", load: () => import("./builder-prune.ts") }],
      ]),
    },
  ],
  [
    "container",
    {
      summary: "Manage containers",
      commands: sorted([
        ...CONTAINER_COMMANDS,
        ...DAEMON_COMMANDS,
        [
          "inspect",
          {
            summary: "Show all that is known of containers",
            load: async () => (await import("./inspect.ts")).ofContainers,
          },
        ],
        ["ls", { ...ps, aliases: ["list", "ps"] }],
        [
          "prune",
          { summary: "Remove all containers not in use", load: () => import("./container-prune.ts") },
        ],
      ]),
    },
  ],
  [
    "image",
    {
      summary: "Manage images",
      commands: sorted([
        ["build", build],
        ["history", history],
        ["import", importImage],
        [
          "inspect",
          {
            summary: "Show all that is known of images",
            load: async () => (await import("./inspect.ts")).ofImages,
          },
        ],
        ["load", load],
        ["ls", { ...images, aliases: ["list"] }],
        ["pull", pull],
        ["push", push],
        ["diff", { summary: "Show what differs between two images", load: () => import("./image-diff.ts") }],
        [
          "lint",
          { summary: "Show what is odd or wasteful in an image", load: () => import("./image-lint.ts") },
        ],
        ["prune", { summary: "Remove images that nobody needs", load: () => import("./image-prune.ts") }],
        ["rm", { ...rmi, aliases: ["remove"] }],
        ["save", save],
        ["tag", tag],
      ]),
    },
  ],
  [
    "system",
    {
      summary: "Manage the store",
      commands: sorted([
        ["df", { summary: "Show what takes how much room", load: () => import("./system-df.ts") }],
        ["fsck", { summary: "Check the store, and mend it", load: () => import("./system-fsck.ts") }],
        ["prune", { summary: "Remove what nobody needs", load: () => import("./system-prune.ts") }],
      ]),
    },
  ],
]);
