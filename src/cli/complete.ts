/**
 * What may come next on a command line that is being typed: `strata __complete WORD…`, of which the last
 * word is the one that is typed. A candidate is a line, with what it means after a tab. None at all means
 * that the shell is to offer its own, which are files.
 */
import type { Command } from "commander";
import type { Context } from "./context.ts";
import { loadCommand } from "./program.ts";

interface Candidate {
  readonly value: string;
  readonly meaning: string;
}

/** What a command's arguments name; the last of several goes on for all that follow. */
type Kind = "container" | "image" | "object" | "snapshot" | "shell" | "files";

const ARGUMENTS: ReadonlyMap<string, readonly Kind[]> = new Map<string, readonly Kind[]>([
  ["cat", ["image", "files"]],
  ["commit", ["container", "image"]],
  ["completion", ["shell"]],
  ["cp", ["container", "container"]],
  ["create", ["image", "files"]],
  ["diff", ["container"]],
  ["exec", ["container", "files"]],
  ["export", ["container"]],
  ["fork", ["container"]],
  ["history", ["image"]],
  ["images", ["image"]],
  ["inspect", ["object"]],
  ["container inspect", ["container"]],
  ["image inspect", ["image"]],
  ["ls", ["image", "files"]],
  ["image ls", ["image"]],
  ["mtree", ["image"]],
  ["pull", ["image"]],
  ["push", ["image"]],
  ["rename", ["container", "files"]],
  ["restore", ["container", "snapshot"]],
  ["rm", ["container"]],
  ["image rm", ["image"]],
  ["rmi", ["image"]],
  ["run", ["image", "files"]],
  ["save", ["image"]],
  ["snapshot", ["container", "snapshot"]],
  ["start", ["container"]],
  ["tag", ["image"]],
  ["whence", ["image", "files"]],
]);

async function containers(context: Context): Promise<readonly Candidate[]> {
  const { containers: all } = await context.store();
  return (await all.list()).map(({ name, record }) => ({ value: name, meaning: record.image.reference }));
}

async function images(context: Context): Promise<readonly Candidate[]> {
  const store = await context.store();
  const stored = await store.images();
  return stored.flatMap(({ image }) => image.tags.map((value) => ({ value, meaning: "image" })));
}

async function snapshots(context: Context, name: string): Promise<readonly Candidate[]> {
  const store = await context.store();
  const container = await store.containers.get(name).catch(() => undefined);
  return (container?.record.snapshots ?? []).map((snapshot) => ({
    value: snapshot.name,
    meaning: "snapshot",
  }));
}

async function named(context: Context, kind: Kind, before: readonly string[]): Promise<readonly Candidate[]> {
  switch (kind) {
    case "container":
      return await containers(context);
    case "image":
      return await images(context);
    case "object":
      return [...(await containers(context)), ...(await images(context))];
    case "snapshot":
      return await snapshots(context, before[0] ?? "");
    case "shell":
      return ["bash", "fish", "zsh"].map((value) => ({ value, meaning: "shell" }));
    case "files":
      return [];
  }
}

function flags(command: Command): readonly Candidate[] {
  const options = command.options.filter((option) => !option.hidden);
  const help = { value: "--help", meaning: "Print help" };
  const own = options.flatMap(({ short, long, description }) =>
    [short, long].flatMap((value) => (value ? [{ value, meaning: description }] : [])),
  );
  return [...own, help];
}

function children(command: Command): readonly Candidate[] {
  const helper = command.createHelp();
  return helper.visibleCommands(command).map((child) => ({ value: child.name(), meaning: child.summary() }));
}

/** The arguments among some words, and whether the next word is the value of a flag. */
function parse(command: Command, words: readonly string[]): { args: readonly string[]; value: boolean } {
  const args: string[] = [];
  let value = false;
  for (const word of words) {
    if (value) {
      value = false;
      continue;
    }
    if (!word.startsWith("-") || word === "-") {
      args.push(word);
      continue;
    }
    const option = command.options.find(({ short, long }) => short === word || long === word);
    value = option?.required === true;
  }
  return { args, value };
}

/** A command's name with its group's. */
function pathOf(command: Command): string {
  const { parent } = command;
  return parent === null || parent.parent === null ? command.name() : `${parent.name()} ${command.name()}`;
}

async function candidates(context: Context, words: readonly string[]): Promise<readonly Candidate[]> {
  const typed = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const { command, rest } = await loadCommand(context, before);
  if (rest === undefined) return typed.startsWith("-") ? flags(command) : children(command);
  const { args, value } = parse(command, rest);
  if (value) return [];
  if (typed.startsWith("-")) return flags(command);
  const path = pathOf(command);
  const kinds = ARGUMENTS.get(path) ?? ARGUMENTS.get(command.name()) ?? [];
  const kind = kinds[Math.min(args.length, kinds.length - 1)];
  return kind === undefined ? [] : await named(context, kind, args);
}

/** Prints what may come next. @param words of which the last is the one that is typed */
export async function complete(context: Context, words: readonly string[]): Promise<void> {
  const typed = words.at(-1) ?? "";
  for (const { value, meaning } of await candidates(context, words)) {
    if (value.startsWith(typed)) await context.print(`${value}\t${meaning}`);
  }
}
