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
  /** Other words for it in its group. */
  readonly aliases?: readonly string[];
  load(): Promise<CommandModule>;
}

export interface Group {
  readonly summary: string;
  readonly commands: ReadonlyMap<string, Registration>;
}

const history: Registration = {
  summary: "Show the history of an image",
  load: () => import("./history.ts"),
};
const images: Registration = { summary: "List images", load: () => import("./images.ts") };
const load: Registration = {
  summary: "Load images from an archive or a directory",
  load: () => import("./load.ts"),
};
const save: Registration = { summary: "Save images to an archive", load: () => import("./save.ts") };

export const COMMANDS: ReadonlyMap<string, Registration> = new Map<string, Registration>([
  ["cat", { summary: "Print files of an image", load: () => import("./cat.ts") }],
  ["history", history],
  ["images", images],
  ["inspect", { summary: "Show all that is known of images", load: () => import("./inspect.ts") }],
  ["load", load],
  ["ls", { summary: "List files of an image", load: () => import("./ls.ts") }],
  ["mtree", { summary: "Print an image's files as an mtree manifest", load: () => import("./mtree.ts") }],
  ["save", save],
  ["whence", { summary: "Show which layers a file comes from", load: () => import("./whence.ts") }],
]);

export const GROUPS: ReadonlyMap<string, Group> = new Map<string, Group>([
  [
    "image",
    {
      summary: "Manage images",
      commands: new Map<string, Registration>([
        ["history", history],
        ["load", load],
        ["ls", { ...images, aliases: ["list"] }],
        ["save", save],
      ]),
    },
  ],
]);
