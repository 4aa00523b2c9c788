/**
 * The stages of a Dockerfile as a graph: what each starts from, what it takes files from, and which of them
 * a target needs (5.3). Pure: nothing is fetched.
 *
 * - Stage names are compared without case. Of two stages of one name the later one counts from there on.
 * - A named context hides a stage and an image of its name.
 * - A stage may use only stages before it; one that it names further down, or itself, is an error, and so is
 *   an index that no stage has.
 * - Indexes are those of the file: `--from=0` is the first FROM.
 */
import { OciError } from "../oci/errors.ts";
import { type ImagePlatform, parsePlatform } from "../oci/platform.ts";
import { familiarReference, formatReference, parseReference, withDefaultTag } from "../oci/reference.ts";
import { expandFrom } from "./dockerfile/expand-instruction.ts";
import { mountSource } from "./dockerfile/run-mounts.ts";
import { expandContext, type Variables } from "./dockerfile/scope.ts";
import { DockerfileError, type Source } from "./dockerfile/source.ts";
import { didYouMean } from "./dockerfile/suggest.ts";
import type {
  Dockerfile,
  FromInstruction,
  Instruction,
  Stage,
  StageInstruction,
} from "./dockerfile/syntax.ts";

/** Where files or a whole filesystem come from. */
export type StageSource =
  | { readonly kind: "scratch" }
  | { readonly kind: "stage"; readonly index: number }
  /** As it is written; `parseReference` takes it. */
  | { readonly kind: "image"; readonly name: string }
  /** One of the names given to {@link planStages}. */
  | { readonly kind: "context"; readonly name: string };

export interface PlannedStage {
  readonly stage: Stage;
  /** FROM with its variables expanded. */
  readonly from: FromInstruction;
  /** The stage's name, else `stage-N`. */
  readonly name: string;
  readonly base: StageSource;
  /** `--platform`. */
  readonly platform?: ImagePlatform;
  /** What `--from` of its COPYs and mounts name, by their text. */
  readonly sources: ReadonlyMap<string, StageSource>;
  /** Indexes of the stages it needs, base included, ascending. */
  readonly dependencies: readonly number[];
}

export interface StagePlan {
  readonly stages: readonly PlannedStage[];
  /** Index of the stage that is asked for. */
  readonly target: number;
  /** Indexes of the stages that it needs, itself last, each after those it needs. */
  readonly needed: readonly number[];
}

export interface PlanOptions {
  /** What FROMs see (`globalVariables`). */
  readonly variables: Variables;
  /** A stage by name or index; the last one unless given. */
  readonly target?: string;
  /** Names of `--build-context`. */
  readonly contexts?: Iterable<string>;
}

/** What an instruction takes files from beside the build's context, as it is written. */
export function sourceNames(instruction: Instruction): readonly string[] {
  if (instruction.name === "COPY") return instruction.from === undefined ? [] : [instruction.from];
  if (instruction.name !== "RUN") return [];
  return instruction.mounts.map((mount) => mountSource(mount).from).filter((from) => from !== undefined);
}

/** The forms in which an image may be named as a context. */
function imageNames(name: string): readonly string[] {
  try {
    const reference = withDefaultTag(parseReference(name));
    return [name, familiarReference(reference), formatReference(reference)];
  } catch (error) {
    if (error instanceof OciError) return [name];
    throw error;
  }
}

/** Names as they are resolved at one place in the file. */
export class StageNames {
  readonly #source: Source;
  readonly #stages: readonly Stage[];
  readonly #contexts: ReadonlyMap<string, string>;

  constructor(dockerfile: Dockerfile, contexts: Iterable<string> = []) {
    this.#source = dockerfile.source;
    this.#stages = dockerfile.stages;
    this.#contexts = new Map(Array.from(contexts, (name) => [name.toLowerCase(), name]));
  }

  /** Whether a stage is hidden by a named context. */
  context(name: string): StageSource | undefined {
    for (const form of imageNames(name)) {
      const context = this.#contexts.get(form.toLowerCase());
      if (context !== undefined) return { kind: "context", name: context };
    }
    return undefined;
  }

  /** The base of a stage: the last stage of that name before it, else an image. */
  base(from: FromInstruction, index: number): StageSource {
    const context = this.context(from.base);
    if (context !== undefined) return context;
    const found = this.#before(from.base, index);
    if (found !== undefined) return { kind: "stage", index: found };
    return from.base === "scratch" ? { kind: "scratch" } : { kind: "image", name: from.base };
  }

  /**
   * What `--from` of an instruction in a stage means.
   * @throws DockerfileError for a stage that is not before this one
   */
  from(name: string, index: number, instruction: Instruction): StageSource {
    const fail = (reason: string) => {
      // A mount is one word, of which the name is a part.
      const mounts = instruction.name === "RUN" ? instruction.mounts : [];
      const word = mounts.find((mount) => mountSource(mount).from === name) ?? name;
      const position = instruction.places.get(word) ?? instruction.range.start;
      return new DockerfileError(this.#source, position, reason);
    };
    if (/^[0-9]+$/.test(name)) {
      const found = Number(name);
      if (found >= this.#stages.length) throw fail(`invalid stage index ${name}`);
      if (found >= index) throw fail(this.#notBefore(name, found, index));
      return this.#stage(found);
    }
    const context = this.context(name);
    if (context !== undefined) return context;
    const found = this.#before(name, index);
    if (found !== undefined) return { kind: "stage", index: found };
    const later = this.#stages.findIndex(({ from }) => from.stageName === name.toLowerCase());
    if (later >= 0) throw fail(this.#notBefore(name, later, index));
    return name === "scratch" ? { kind: "scratch" } : { kind: "image", name };
  }

  /** A stage, or the context that stands in its place. */
  #stage(index: number): StageSource {
    const name = this.#stages[index]!.from.stageName;
    return (name === undefined ? undefined : this.context(name)) ?? { kind: "stage", index };
  }

  #before(name: string, index: number): number | undefined {
    const found = this.#stages.findLastIndex(
      ({ from, index: at }) => at < index && from.stageName === name.toLowerCase(),
    );
    return found < 0 ? undefined : found;
  }

  /** Whether the later stage needs this one in turn decides what is wrong: an order, or a cycle. */
  #notBefore(name: string, later: number, index: number): string {
    const current = stageName(this.#stages[index]!);
    if (later === index || this.#reaches(later, index, new Set())) {
      return `circular dependency detected on stage: ${current}`;
    }
    return `cannot copy from stage ${JSON.stringify(name)}, it needs to be defined before current stage ${JSON.stringify(current)}`;
  }

  #reaches(from: number, to: number, seen: Set<number>): boolean {
    if (from === to) return true;
    if (seen.has(from)) return false;
    seen.add(from);
    const { from: base, instructions } = this.#stages[from]!;
    const names = [base.base, ...instructions.flatMap(sourceNames)];
    return names.some((name) => {
      const next = /^[0-9]+$/.test(name)
        ? Number(name)
        : this.#stages.findIndex((stage) => stage.from.stageName === name.toLowerCase());
      return next >= 0 && next < this.#stages.length && this.#reaches(next, to, seen);
    });
  }
}

/** What a stage is called in messages. */
export function stageName({ from, index }: Stage): string {
  return from.stageName ?? `stage-${index}`;
}

function platformOf(
  from: FromInstruction,
  written: FromInstruction,
  source: Source,
): ImagePlatform | undefined {
  if (from.platform === undefined) return undefined;
  try {
    return parsePlatform(from.platform);
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    const position = written.places.get(written.platform!) ?? from.range.start;
    throw new DockerfileError(
      source,
      position,
      `failed to parse platform ${written.platform}: ${error.message}`,
    );
  }
}

/** The stage that `--target` names. */
function targetIndex(dockerfile: Dockerfile, target: string | undefined): number {
  const { stages, source } = dockerfile;
  if (target === undefined || target === "") return stages.length - 1;
  const found = stages.findLastIndex(({ from }) => from.stageName === target.toLowerCase());
  if (found >= 0) return found;
  if (/^[0-9]+$/.test(target) && Number(target) < stages.length) return Number(target);
  const names = stages.map(({ from }) => from.stageName).filter((name) => name !== undefined);
  throw new DockerfileError(
    source,
    stages[0]!.from.range.start,
    `target stage ${JSON.stringify(target)} could not be found${didYouMean(target.toLowerCase(), names)}`,
  );
}

function sourcesOf(
  names: StageNames,
  index: number,
  instructions: readonly StageInstruction[],
): ReadonlyMap<string, StageSource> {
  const sources = new Map<string, StageSource>();
  for (const instruction of instructions) {
    for (const name of sourceNames(instruction)) sources.set(name, names.from(name, index, instruction));
  }
  return sources;
}

/** The stages that others need, each before its users. */
function order(stages: readonly PlannedStage[], target: number): readonly number[] {
  const needed = new Set([target]);
  // A stage needs only earlier ones: from the last, whoever needs a stage is known when it is met.
  for (let index = target; index >= 0; index--) {
    if (needed.has(index)) for (const dependency of stages[index]!.dependencies) needed.add(dependency);
  }
  return [...needed].sort((a, b) => a - b);
}

/**
 * Plans a build.
 * @throws DockerfileError for a stage that uses one that is not before it, an unknown target, a base or a
 *   platform that is none
 */
export function planStages(dockerfile: Dockerfile, options: PlanOptions): StagePlan {
  const names = new StageNames(dockerfile, options.contexts);
  const context = expandContext(dockerfile, (name) => options.variables.get(name));
  const stages = dockerfile.stages.map((stage): PlannedStage => {
    const { index } = stage;
    const from = expandFrom(stage.from, context);
    const hidden = from.stageName === undefined ? undefined : names.context(from.stageName);
    const base = hidden ?? names.base(from, index);
    // A context in place of a stage is all there is of it.
    const sources = hidden === undefined ? sourcesOf(names, index, stage.instructions) : new Map();
    const used: StageSource[] = [base, ...sources.values()];
    const dependencies = new Set(used.flatMap((source) => (source.kind === "stage" ? [source.index] : [])));
    const platform = platformOf(from, stage.from, dockerfile.source);
    return {
      stage,
      from,
      name: stageName(stage),
      base,
      sources,
      dependencies: [...dependencies].sort((a, b) => a - b),
      ...(platform !== undefined && { platform }),
    };
  });
  const target = targetIndex(dockerfile, options.target);
  return { stages, target, needed: order(stages, target) };
}
