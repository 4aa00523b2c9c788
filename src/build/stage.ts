/**
 * Making one stage: its instructions one after the other, each with the values from before it.
 */
import type { HistoryEntry } from "../oci/config.ts";
import { resolveIdentity } from "../runtime/identity.ts";
import { makeWorkingDirectory } from "../runtime/process.ts";
import { createMount, type Mount } from "../union/mount.ts";
import { AddStep } from "./add-step.ts";
import type { CacheMounts } from "./cache-mounts.ts";
import {
  type CopyRequest,
  copierOptions,
  copyFiles,
  findSources,
  flagInputs,
  quickInputs,
  sourceInputs,
} from "./copy-step.ts";
import { editConfig, type StageConfig, startConfig } from "./dockerfile/config-edit.ts";
import { expandInstruction, expandMounts } from "./dockerfile/expand-instruction.ts";
import { HISTORY_COMMENT, historyText } from "./dockerfile/history.ts";
import { parseTrigger } from "./dockerfile/parse.ts";
import { runCommand, shellOf } from "./dockerfile/run-command.ts";
import {
  declareArgs,
  declaredArgs,
  expandContext,
  runEnvironment,
  type StageScope,
  scopeLookup,
  startScope,
  type Variables,
  withEnv,
} from "./dockerfile/scope.ts";
import { DockerfileError } from "./dockerfile/source.ts";
import type { Dockerfile, StageInstruction } from "./dockerfile/syntax.ts";
import { BuildError } from "./errors.ts";
import { kindAt } from "./resolve-path.ts";
import { runMounts } from "./run-mounts.ts";
import { runCommandOn, runInputs } from "./run-step.ts";
import type { BuildSession } from "./session.ts";
import type { SourceTree } from "./source-tree.ts";
import type { StageState } from "./stage-state.ts";
import { type PlannedStage, sourceNames } from "./stages.ts";
import { configInputs, type FilesystemStep, takeStep } from "./step.ts";

/** A finished stage. */
export interface StageResult {
  readonly state: StageState;
  readonly scope: StageScope;
}

/** What a stage is made from. */
export interface StageOrigin {
  readonly state: StageState;
  /** The scope of the stage it is from. */
  readonly scope?: StageScope | undefined;
}

export interface StageRequest {
  readonly dockerfile: Dockerfile;
  readonly planned: PlannedStage;
  readonly origin: StageOrigin;
  /** What vertices call the stage; empty in a file with one. */
  readonly label: string;
  /** What names the file in the cache: the same for the same file in the next build. */
  readonly place: string;
  readonly globals: Variables;
  readonly buildArgs: Variables;
  readonly caches: CacheMounts;
  source(from: string | undefined): Promise<SourceTree>;
  secret(id: string): Uint8Array | undefined;
}

const FILESYSTEM: ReadonlySet<string> = new Set(["RUN", "COPY", "ADD", "WORKDIR"]);

/** A stage in the making. */
class StageBuild {
  readonly #session: BuildSession;
  readonly #request: StageRequest;
  readonly #total: number;
  #state: StageState;
  #config: StageConfig;
  #scope: StageScope;
  #number = 1;

  constructor(session: BuildSession, request: StageRequest, instructions: readonly StageInstruction[]) {
    this.#session = session;
    this.#request = request;
    this.#total = 1 + instructions.filter(({ name }) => FILESYSTEM.has(name)).length;
    const { state, scope } = request.origin;
    this.#config = startConfig(state.config.config);
    this.#state = { ...state, config: { ...state.config, config: this.#config.config } };
    this.#scope = startScope(this.#config.config.Env, scope);
  }

  get result(): StageResult {
    return { state: this.#state, scope: this.#scope };
  }

  async take(written: StageInstruction): Promise<void> {
    const { dockerfile } = this.#request;
    try {
      this.#session.signal?.throwIfAborted();
      const context = expandContext(dockerfile, scopeLookup(this.#scope));
      const instruction = expandInstruction(written, context);
      if (FILESYSTEM.has(instruction.name)) await this.#filesystem(instruction);
      else this.#configuration(instruction);
    } catch (error) {
      throw this.#located(error, written);
    }
  }

  #located(error: unknown, { range }: StageInstruction): unknown {
    if (error instanceof DockerfileError || this.#session.signal?.aborted) return error;
    if (error instanceof BuildError && error.place !== undefined) return error;
    const at = { source: this.#request.dockerfile.source, position: range.start, end: range.end };
    if (error instanceof BuildError) {
      const { code, reason, cause, exitCode, output } = error;
      const details = {
        cause,
        ...(exitCode === undefined ? {} : { exitCode }),
        ...(output === undefined ? {} : { output }),
      };
      return new BuildError(code, reason, details, at);
    }
    if (!(error instanceof Error)) return error;
    return new BuildError("invalid", error.message, { cause: error }, at);
  }

  /** The time of the last step that made something, for those that only describe. */
  #lastTime(): string | undefined {
    return this.#state.history.at(-1)?.created ?? this.#state.config.created;
  }

  #history(entry: HistoryEntry): void {
    const created = this.#lastTime();
    const full = { ...(created === undefined ? {} : { created }), ...entry, comment: HISTORY_COMMENT };
    this.#state = { ...this.#state, history: [...this.#state.history, { ...full, empty_layer: true }] };
  }

  #setConfig(edited: StageConfig): void {
    this.#config = edited;
    const { author = this.#state.config.author } = edited;
    this.#state = {
      ...this.#state,
      config: { ...this.#state.config, ...(author === undefined ? {} : { author }), config: edited.config },
    };
    this.#scope = withEnv(this.#scope, edited.config.Env);
  }

  #configuration(instruction: StageInstruction): void {
    const { dockerfile, globals, buildArgs } = this.#request;
    if (instruction.name === "ARG") {
      const context = expandContext(dockerfile, scopeLookup(this.#scope));
      const { scope, declared } = declareArgs(this.#scope, instruction, globals, buildArgs, context);
      this.#scope = scope;
      const text = historyText(instruction, { config: this.#config.config, args: declared });
      if (text !== undefined) this.#history({ created_by: text.createdBy });
      return;
    }
    const text = historyText(instruction, { config: this.#config.config });
    this.#setConfig(editConfig(this.#config, instruction));
    if (text !== undefined) this.#history({ created_by: text.createdBy });
  }

  async #filesystem(instruction: StageInstruction): Promise<void> {
    this.#number += 1;
    // What fails in another stage is that stage's failure, and no part of this step.
    for (const name of sourceNames(instruction)) await this.#request.source(name);
    const name = `${this.#position(this.#number)} ${instruction.text}`;
    await this.#session.log.during(
      name,
      async (work) => {
        const step = await this.#step(instruction);
        try {
          this.#state = await takeStep(this.#session, this.#state, step, step.history, work);
        } finally {
          step.close?.();
        }
      },
      instruction.range.start,
    );
  }

  /** `[build 2/5]` */
  #position(number: number): string {
    const { label } = this.#request;
    return `[${label === "" ? "" : `${label} `}${number}/${this.#total}]`;
  }

  /** Shows the image that the stage is from as its first step. */
  showBase(): void {
    const { base, from, stage } = this.#request.planned;
    if (base.kind !== "image") return;
    const work = this.#session.log.start(`${this.#position(1)} FROM ${from.base}`, stage.from.range.start);
    work.cached();
    work.done();
  }

  /** What a step is called between builds. */
  #place(): string {
    const { place, planned } = this.#request;
    return JSON.stringify([place, planned.name, this.#number]);
  }

  async #step(
    instruction: StageInstruction,
  ): Promise<FilesystemStep & { readonly history: HistoryEntry; close?(): void }> {
    switch (instruction.name) {
      case "RUN":
        return this.#run(instruction);
      case "COPY":
        return await this.#copy(instruction);
      case "ADD":
        return await this.#add(instruction);
      case "WORKDIR":
        return this.#workdir(instruction);
      default:
        throw new TypeError(`${instruction.name} changes no files`);
    }
  }

  #entry(createdBy: string): HistoryEntry {
    return { created_by: createdBy, comment: HISTORY_COMMENT };
  }

  #run(instruction: Extract<StageInstruction, { name: "RUN" }>) {
    const { dockerfile, buildArgs, caches, source, secret } = this.#request;
    if (instruction.security === "insecure") {
      throw new BuildError(
        "invalid",
        "--security=insecure is not allowed: there is nothing to be insecure in",
      );
    }
    const context = expandContext(dockerfile, scopeLookup(this.#scope));
    const { config } = this.#config;
    const command = runCommand(instruction, shellOf(config));
    const declared = declaredArgs(this.#scope);
    const { signal } = this.#session;
    const mounts = runMounts(expandMounts(instruction, context), config.WorkingDir, {
      source,
      secret,
      caches,
      signal,
    });
    const environment = runEnvironment(this.#scope, buildArgs);
    const request = { instruction, command, config, environment, args: declared, mounts };
    const text = historyText(instruction, { config, runArgs: command.args, declared });
    return {
      description: instruction.text,
      place: this.#place(),
      history: this.#entry(text?.createdBy ?? instruction.text),
      inputs: async () => ({
        ...configInputs(this.#state),
        ...(await runInputs(this.#session, request)),
      }),
      run: (mount: Mount, work: Parameters<FilesystemStep["run"]>[1]) =>
        runCommandOn(this.#session, request, mount, work),
    };
  }

  /** Where names of owners are looked up: in the files of the stage so far. */
  async #names(mount: Mount, independent: boolean): Promise<Mount> {
    return independent ? createMount(await this.#session.core.trees.tree(this.#state.layers)) : mount;
  }

  async #copy(instruction: Extract<StageInstruction, { name: "COPY" }>) {
    const { config } = this.#config;
    const source = await this.#request.source(instruction.from);
    const request: CopyRequest = { instruction, workingDirectory: config.WorkingDir, source };
    const quick = quickInputs(request);
    const independent = instruction.link && /^(\d+(:\d+)?)?$/.test(instruction.chown ?? "");
    const shared = configInputs(this.#state);
    const text = historyText(instruction, { config });
    return {
      description: instruction.text,
      place: this.#place(),
      history: this.#entry(text?.createdBy ?? instruction.text),
      independent,
      ...(quick === undefined ? {} : { quickInputs: { ...shared, ...quick } }),
      inputs: async () => ({
        ...shared,
        ...flagInputs(instruction, config.WorkingDir),
        ...(await sourceInputs(request, await findSources(request))),
      }),
      run: async (mount: Mount) => {
        const options = copierOptions(instruction, await this.#names(mount, independent));
        await copyFiles(request, await findSources(request), mount, options, this.#session.clock());
      },
    };
  }

  async #add(instruction: Extract<StageInstruction, { name: "ADD" }>) {
    const { config } = this.#config;
    const source = await this.#request.source(undefined);
    const step = await AddStep.open(this.#session, {
      instruction,
      workingDirectory: config.WorkingDir,
      source,
    });
    const independent = instruction.link && /^(\d+(:\d+)?)?$/.test(instruction.chown ?? "");
    const text = historyText(instruction, { config });
    return {
      description: instruction.text,
      place: this.#place(),
      history: this.#entry(text?.createdBy ?? instruction.text),
      independent,
      inputs: async () => ({ ...configInputs(this.#state), ...(await step.inputs()) }),
      run: async (mount: Mount) =>
        await step.run(mount, copierOptions(instruction, await this.#names(mount, independent))),
      close: () => step.close(),
    };
  }

  #workdir(instruction: Extract<StageInstruction, { name: "WORKDIR" }>) {
    const text = historyText(instruction, { config: this.#config.config });
    this.#setConfig(editConfig(this.#config, instruction));
    const { WorkingDir = "/", User = "" } = this.#config.config;
    return {
      description: instruction.text,
      place: this.#place(),
      history: this.#entry(text?.createdBy ?? instruction.text),
      inputs: () => ({ ...configInputs(this.#state), instruction: "WORKDIR", path: WorkingDir, user: User }),
      run: (mount: Mount) => makeOwnedDirectory(mount, WorkingDir, User),
    };
  }
}

/** Makes a working directory where it is missing, with those above it, for a stage's user (BuildKit). */
function makeOwnedDirectory(mount: Mount, path: string, user: string): void {
  const missing: string[] = [];
  for (
    let at = path;
    at !== "/" && kindAt(mount, at) === undefined;
    at = at.slice(0, at.lastIndexOf("/")) || "/"
  ) {
    missing.push(at);
  }
  makeWorkingDirectory(mount, path);
  const { uid, gid } = resolveIdentity(mount, user, { privileged: true }).caller;
  for (const made of missing) mount.chown(made, uid, gid);
}

/** Makes a stage. The triggers of its base come first (5.3: ONBUILD). */
export async function buildStage(session: BuildSession, request: StageRequest): Promise<StageResult> {
  const { dockerfile, planned, origin } = request;
  const triggers = (origin.state.config.config?.OnBuild ?? []).map((trigger) =>
    parseTrigger(trigger, planned.stage.from, dockerfile.source),
  );
  const instructions = [...triggers, ...planned.stage.instructions];
  const build = new StageBuild(session, request, instructions);
  build.showBase();
  for (const instruction of instructions) await build.take(instruction);
  return build.result;
}
