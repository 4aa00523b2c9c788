/**
 * COPY, and what ADD has in common with it: files of a source tree into the files of a stage (5.3).
 *
 * Sources are found first, in the source tree alone; their digests, the destination and the flags decide the
 * result. Only where that is not known are files copied. Names in `--chown` are those of the stage that is
 * copied into.
 */
import { nameToBytes } from "../posix/names.ts";
import type { Nanoseconds } from "../posix/time.ts";
import type { StepInputs } from "../store/step-cache.ts";
import { BufferContent } from "../tree/content.ts";
import type { Inode } from "../tree/inode.ts";
import type { Mount } from "../union/mount.ts";
import type { Exclusion } from "./context/digest.ts";
import type { FileView } from "./context/view.ts";
import { matchSources, resolvePath } from "./context/view.ts";
import { Copier, type CopierOptions } from "./copier.ts";
import type { AddInstruction, CopyInstruction, InlineFile } from "./dockerfile/syntax.ts";
import { BuildError } from "./errors.ts";
import {
  type CopiedSource,
  type Destination,
  parentsPivot,
  parseDestination,
  placeSources,
  sourcePath,
} from "./files/destination.ts";
import { hasWildcards } from "./files/match.ts";
import { parseMode } from "./files/mode.ts";
import { parseOwner } from "./files/owner.ts";
import { Patterns } from "./files/patterns.ts";
import { kindAt, resolveIn } from "./resolve-path.ts";
import type { SourceTree } from "./source-tree.ts";

export type FilesInstruction = CopyInstruction | AddInstruction;

/** One thing to copy. */
export interface FoundSource extends CopiedSource {
  /** Where it is once links are followed. */
  readonly resolved: string;
}

export interface CopyRequest {
  /** With its variables expanded. */
  readonly instruction: FilesInstruction;
  readonly workingDirectory: string | undefined;
  readonly source: SourceTree;
}

function exclusionOf({ exclude }: FilesInstruction): Exclusion | undefined {
  if (exclude.length === 0) return undefined;
  const patterns = Patterns.parse(exclude);
  return {
    excludes: (path) => patterns.matches(path),
    mayReinclude: (directory) => patterns.mayTakeBackBelow(directory),
  };
}

/** The files that a source's text means. @throws BuildError where it names what is not there */
function findOne(view: FileView, text: string, parents: boolean, name: string): FoundSource[] {
  const { path: pattern, pivot } = parents
    ? parentsPivot(text)
    : { path: sourcePath(text), pivot: undefined };
  const matches = parents && text.includes("**") ? matchDeep(view, pattern) : matchSources(view, pattern);
  if (matches.length === 0 && !hasWildcards(text)) {
    throw new BuildError("source", `${pattern.slice(1) || "/"} is not in ${name}`);
  }
  const found: FoundSource[] = [];
  for (const path of matches) {
    const resolved = resolvePath(view, path, true);
    const inode = resolved === undefined ? undefined : view.entry(resolved)?.inode;
    if (resolved === undefined || inode === undefined) {
      throw new BuildError("source", `${path.slice(1)} is a link to nothing in ${name}`);
    }
    const isDirectory = inode.kind === "directory";
    found.push({ path, resolved, isDirectory, ...(pivot === undefined ? {} : { pivot }) });
  }
  return found;
}

/** Paths that match a pattern with `**`, each as high up as possible (`--parents`). */
function matchDeep(view: FileView, pattern: string): string[] {
  const patterns = Patterns.parse([pattern.slice(1)]);
  const found: string[] = [];
  const walk = (directory: string) => {
    for (const name of view.list(directory)) {
      const path = directory === "/" ? `/${name}` : `${directory}/${name}`;
      if (patterns.matches(path.slice(1))) found.push(path);
      else walk(path);
    }
  };
  walk("/");
  return found;
}

/** Everything that an instruction copies from its source tree. */
export async function findSources({ instruction, source }: CopyRequest): Promise<readonly FoundSource[]> {
  const view = await source.view();
  return instruction.sources.flatMap((text) => findOne(view, text, instruction.parents, source.name));
}

/** The flags that decide what files become. */
export function flagInputs(instruction: FilesInstruction, workingDirectory: string | undefined): StepInputs {
  const { chown, chmod, link, parents, exclude, destination } = instruction;
  const { path, isDirectory } = parseDestination(destination, workingDirectory);
  return {
    instruction: instruction.name,
    destination: isDirectory && path !== "/" ? `${path}/` : path,
    ...(chown === undefined ? {} : { "--chown": chown }),
    ...(chmod === undefined ? {} : { "--chmod": chmod }),
    ...(link ? { "--link": "true" } : {}),
    ...(parents ? { "--parents": "true" } : {}),
    ...(exclude.length === 0 ? {} : { "--exclude": JSON.stringify(exclude) }),
  };
}

/** Digests of what is copied, by what it is called. */
export async function sourceInputs(
  request: CopyRequest,
  sources: readonly FoundSource[],
): Promise<StepInputs> {
  const { instruction, source } = request;
  const inputs: Record<string, string> = {};
  const digests = await source.digests();
  const exclusion = exclusionOf(instruction);
  const groups = new Map<string, string>();
  for (const [i, { path, resolved, isDirectory, pivot }] of sources.entries()) {
    const base = path.slice(path.lastIndexOf("/") + 1);
    if (!isDirectory && exclusion?.excludes(base)) continue;
    const name = pivot === undefined ? (isDirectory ? "" : base) : path.slice(pivot);
    for (const [at, digest] of digests.of(resolved, name, pivot !== undefined, groups, exclusion)) {
      inputs[`file ${i + 1} ${at}`] = digest;
    }
  }
  digests.keep();
  for (const file of instruction.files) inputs[`file <<${file.name}`] = file.content;
  return inputs;
}

/** Inputs that cost nothing where the source is an immutable tree. */
export function quickInputs({ instruction, workingDirectory, source }: CopyRequest): StepInputs | undefined {
  if (source.chainID === undefined) return undefined;
  return {
    ...flagInputs(instruction, workingDirectory),
    "the files copied from": source.chainID,
    sources: JSON.stringify(instruction.sources),
    "inline files": JSON.stringify(instruction.files),
  };
}

function textAt(mount: Mount, path: string): string | undefined {
  return kindAt(mount, resolveIn(mount, path)) === "file"
    ? new TextDecoder().decode(mount.readFile(path))
    : undefined;
}

/** Who and what copied files are to be. */
export function copierOptions(instruction: FilesInstruction, names: Mount): CopierOptions {
  const { chown, chmod } = instruction;
  const exclusion = exclusionOf(instruction);
  const change = chmod === undefined ? undefined : parseMode(chmod);
  return {
    ...(chown === undefined
      ? {}
      : {
          owner: parseOwner(chown, {
            passwd: textAt(names, "/etc/passwd"),
            group: textAt(names, "/etc/group"),
          }),
        }),
    ...(change === undefined ? {} : { mode: (mode, kind) => change(mode, kind === "directory") }),
    ...(exclusion === undefined ? {} : { exclusion }),
  };
}

/** A destination in a mount, its links followed, and what is there. */
export function destinationIn(mount: Mount, { destination }: FilesInstruction, workdir: string | undefined) {
  const parsed = parseDestination(destination, workdir);
  const path = resolveIn(mount, parsed.path);
  const kind = kindAt(mount, path);
  const existing = kind === undefined ? "none" : kind === "directory" ? "directory" : "other";
  return { destination: { ...parsed, path } satisfies Destination, existing } as const;
}

/** Copies files. @throws BuildError for what the destination does not allow */
export async function copyFiles(
  request: CopyRequest,
  sources: readonly FoundSource[],
  mount: Mount,
  options: CopierOptions,
  now: Nanoseconds,
): Promise<void> {
  const { instruction, workingDirectory, source } = request;
  const copier = new Copier(await source.view(), mount, options);
  const { destination, existing } = destinationIn(mount, instruction, workingDirectory);
  const inline: CopiedSource[] = instruction.files.map(({ name }) => ({
    path: `/${name}`,
    isDirectory: false,
  }));
  const placements = placeSources(instruction.name, [...sources, ...inline], destination, existing);
  for (const [i, { target, contents }] of placements.entries()) {
    const found = sources[i];
    if (found === undefined) {
      putInline(copier, target, instruction.files[i - sources.length]!, now);
    } else if (instruction.parents) {
      copier.makeDirectories(destination.path);
      const base = found.path.slice(0, found.pivot ?? 0) || "/";
      copier.copyParents(base, found.path, destination.path);
      if (contents) copier.copyDirectory(found.resolved, target);
      else copier.copyFile(found.resolved, target, found.path.slice(found.path.lastIndexOf("/") + 1));
    } else if (contents) {
      copier.makeDirectories(target);
      copier.copyContents(found.resolved, target);
    } else {
      copier.makeDirectories(target.slice(0, target.lastIndexOf("/")));
      copier.copyFile(found.resolved, target, found.path.slice(found.path.lastIndexOf("/") + 1));
    }
  }
}

const INLINE_MODE = 0o644;

/** A heredoc as a file. */
function putInline(copier: Copier, target: string, file: InlineFile, now: Nanoseconds): void {
  const content = new BufferContent(nameToBytes(file.content));
  const inode: Inode = {
    kind: "file",
    mode: INLINE_MODE,
    uid: 0,
    gid: 0,
    mtime: now,
    xattrs: new Map(),
    content,
  };
  copier.makeDirectories(target.slice(0, target.lastIndexOf("/")));
  copier.put(inode, target);
}
