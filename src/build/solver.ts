/**
 * The stages of a build: each made once, all that are needed at the same time, each waiting for those it is
 * made from.
 */

import { historySteps, type ImageConfig } from "../oci/config.ts";
import type { Digest } from "../oci/digest.ts";
import { formatPlatform, type ImagePlatform } from "../oci/platform.ts";
import type { Executor } from "../runtime/executor.ts";
import type { Image } from "../runtime/image.ts";
import type { Store } from "../runtime/store.ts";
import { EMPTY_TREE } from "../tree/packed.ts";
import { baseImage } from "./base-image.ts";
import type { NamedContext } from "./build.ts";
import type { CacheMounts } from "./cache-mounts.ts";
import type { FileView } from "./context/view.ts";
import type { Variables } from "./dockerfile/scope.ts";
import type { Dockerfile } from "./dockerfile/syntax.ts";
import { BuildError } from "./errors.ts";
import type { BaseImage } from "./lint/lint.ts";
import { isAbort } from "./log.ts";
import type { BuildSession } from "./session.ts";
import { type SourceTree, treeSource, viewSource } from "./source-tree.ts";
import { buildStage, type StageOrigin, type StageResult } from "./stage.ts";
import { chainOf, type StageState } from "./stage-state.ts";
import type { PlannedStage, StagePlan, StageSource } from "./stages.ts";

export interface SolverRequest {
  readonly store: Store;
  readonly dockerfile: Dockerfile;
  readonly plan: StagePlan;
  readonly globals: Variables;
  readonly buildArgs: Variables;
  readonly platform: ImagePlatform;
  /** Whether to pull images that are there already. */
  readonly pull: boolean;
  readonly context: FileView | undefined;
  readonly contexts: Readonly<Record<string, NamedContext>>;
  readonly secrets: Readonly<Record<string, Uint8Array>>;
  readonly caches: CacheMounts;
  readonly place: string;
  /** What vertices have before the name of their stage, where an image is built for several platforms. */
  readonly prefix: string;
  /** What runs the commands of a stage, by the platform of its files. */
  executor(platform: ImagePlatform): Executor;
  /** Is told of the first failure, which the rest need not wait for. */
  failed(): void;
}

const NO_FILES: FileView = { entry: () => undefined, list: () => [] };

function platformOf({ os = "linux", architecture = "", variant }: ImageConfig): ImagePlatform {
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

function imageState(image: Image): StageState {
  const { config, layers } = image;
  return { config, layers, history: historySteps(config).map((step) => step.entry) };
}

export class Solver {
  readonly #session: BuildSession;
  readonly #request: SolverRequest;
  readonly #stages = new Map<number, Promise<StageResult>>();
  readonly #images = new Map<string, Promise<Image>>();
  readonly #sources = new Map<string, Promise<SourceTree>>();
  readonly #context: SourceTree;
  #failure: { readonly error: unknown } | undefined;

  constructor(session: BuildSession, request: SolverRequest) {
    this.#session = session;
    this.#request = request;
    this.#context = viewSource("the build context", async () => request.context ?? NO_FILES, session.cache);
  }

  /** Makes the stage that is asked for, and what it needs. */
  async target(): Promise<StageResult> {
    const { needed, target } = this.#request.plan;
    // The first that fails is the one to be told; none goes on unseen after that.
    await Promise.allSettled(needed.map((index) => this.#stage(index)));
    if (this.#failure !== undefined) throw this.#failure.error;
    return await this.#stage(target);
  }

  #stage(index: number): Promise<StageResult> {
    const known = this.#stages.get(index);
    if (known !== undefined) return known;
    const made = this.#make(this.#request.plan.stages[index]!);
    this.#stages.set(index, made);
    made.catch((error: unknown) => {
      this.#failure ??= { error };
      this.#request.failed();
    });
    return made;
  }

  /** The images that stages are from, by the names that FROM has for them. */
  async bases(): Promise<ReadonlyMap<string, BaseImage>> {
    const found = new Map<string, BaseImage>();
    for (const { base, platform = this.#request.platform } of this.#request.plan.stages) {
      if (base.kind !== "image") continue;
      const image = await this.#images.get(`${base.name} ${formatPlatform(platform)}`);
      if (image !== undefined)
        found.set(base.name, { config: image.config.config ?? {}, platform: platformOf(image.config) });
    }
    return found;
  }

  async #make(planned: PlannedStage): Promise<StageResult> {
    const { dockerfile, plan, globals, buildArgs, caches, place, secrets, prefix } = this.#request;
    const origin = await this.#origin(planned);
    const executor = this.#request.executor(platformOf(origin.state.config));
    const alone = plan.stages.length === 1 && planned.stage.from.stageName === undefined;
    const label = [prefix, alone ? "" : planned.name].filter((part) => part !== "").join(" ");
    return await buildStage(
      { ...this.#session, executorName: executor.name, executor: async () => executor },
      {
        dockerfile,
        planned,
        origin,
        label,
        place,
        globals,
        buildArgs,
        caches,
        source: (from) => this.#source(planned, from),
        secret: (id) => (Object.hasOwn(secrets, id) ? secrets[id] : undefined),
      },
    );
  }

  async #origin(planned: PlannedStage): Promise<StageOrigin> {
    const { base, platform = this.#request.platform } = planned;
    if (base.kind === "stage") return await this.#stage(base.index);
    if (base.kind === "scratch") {
      const { os, architecture, variant } = platform;
      const config = { architecture, os, ...(variant === undefined ? {} : { variant }) };
      return {
        state: { config: { ...config, rootfs: { type: "layers", diff_ids: [] } }, layers: [], history: [] },
      };
    }
    const name = base.kind === "image" ? base.name : this.#contextImage(base.name);
    return { state: imageState(await this.#image(name, platform, planned)) };
  }

  #contextImage(name: string): string {
    const context = this.#request.contexts[name];
    if (context?.kind === "image") return context.name;
    throw new BuildError("invalid", `the context ${name} is a directory, which no stage can be from`);
  }

  /** An image for a platform, pulled where it is missing. */
  #image(name: string, platform: ImagePlatform, planned?: PlannedStage): Promise<Image> {
    const key = `${name} ${formatPlatform(platform)}`;
    const known = this.#images.get(key);
    if (known !== undefined) return known;
    const found = this.#findImage(name, platform, planned);
    this.#images.set(key, found);
    found.catch(() => {});
    return found;
  }

  async #findImage(name: string, platform: ImagePlatform, planned: PlannedStage | undefined): Promise<Image> {
    const { store, pull, dockerfile } = this.#request;
    const position = planned?.stage.from.range.start;
    return await this.#session.log.during(
      `[internal] load metadata for ${name}`,
      async () => {
        try {
          const image = await baseImage(store, name, platform, pull);
          const digests = image.layers.flatMap(({ descriptor, diffID }) => [descriptor.digest, diffID]);
          await this.#session.lease.hold(image.target.digest, image.descriptor.digest, ...digests);
          return image;
        } catch (error) {
          if (!(error instanceof Error)) throw error;
          if (isAbort(error)) throw error;
          const at = position === undefined ? undefined : { source: dockerfile.source, position };
          throw new BuildError("no-such-image", `${name}: ${error.message}`, { cause: error }, at);
        }
      },
      position,
    );
  }

  /** What `--from` names in a stage; the build's context where it names nothing. */
  async #source(planned: PlannedStage, from: string | undefined): Promise<SourceTree> {
    if (from === undefined) return this.#context;
    const source = planned.sources.get(from);
    if (source === undefined) throw new BuildError("invalid", `nothing is called ${from}`);
    const key = JSON.stringify(source);
    const known = this.#sources.get(key);
    if (known !== undefined) return await known;
    const made = this.#makeSource(source);
    this.#sources.set(key, made);
    return await made;
  }

  async #makeSource(source: StageSource): Promise<SourceTree> {
    switch (source.kind) {
      case "scratch":
        return treeSource("scratch", "none", async () => EMPTY_TREE);
      case "stage": {
        const { state } = await this.#stage(source.index);
        return this.#treeOf(`stage ${this.#request.plan.stages[source.index]!.name}`, state);
      }
      case "image": {
        const image = await this.#image(source.name, this.#request.platform);
        return this.#treeOf(`image ${source.name}`, imageState(image));
      }
      case "context": {
        const context = this.#request.contexts[source.name]!;
        if (context.kind === "files")
          return viewSource(`the context ${source.name}`, async () => context.view, this.#session.cache);
        const image = await this.#image(context.name, this.#request.platform);
        return this.#treeOf(`image ${context.name}`, imageState(image));
      }
    }
  }

  #treeOf(name: string, state: StageState): SourceTree {
    const chain: Digest | "none" = chainOf(state) ?? "none";
    return treeSource(name, chain, () => this.#session.core.trees.tree(state.layers));
  }
}
