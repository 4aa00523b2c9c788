/** The commands that stratafs brings, by name. */
import type { Command } from "../shell/process.ts";
import { shell } from "./sh.ts";

export const COMMANDS: { readonly [name: string]: Command } = {
  ash: shell,
  bash: shell,
  dash: shell,
  sh: shell,
};
