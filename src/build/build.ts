/**
 * Building an image from a Dockerfile, as BuildKit does: stages are independent of each other until one
 * takes files from another, and what no wanted stage needs is not made.
 *
 * Nothing is named before all of it is done; a build that fails leaves what its finished steps made in the
 * cache, and nothing else.
 */
import { platform as host } from "#platform";
import type { Descriptor } from "../oci/descriptor.ts";
import { formatPlatform, type ImagePlatform } from "../oci/platform.ts";
import { parseReference, type Reference, withDefaultTag } from "../oci/reference.ts";
import { hostPlatform, sourceDate } from "../runtime/environment.ts";
import type { Executor } from "../runtime/executor.ts";
import type { Image } from "../runtime/image.ts";
import type { Store } from "../runtime/store.ts";
import { StepCache } from "../store/step-cache.ts";
import { assembleImage, assembleIndex, FAMILIES } from "./assemble.ts";
import { CacheMounts } from "./cache-mounts.ts";
import type { FileView } from "./context/view.ts";
import { parseDockerfile } from "./dockerfile/parse.ts";
import { globalVariables, unusedBuildArgs, unusedBuildArgsWarning } from "./dockerfile/scope.ts";
import { DockerfileError } from "./dockerfile/source.ts";
import type { Dockerfile } from "./dockerfile/syntax.ts";
import { BuildError } from "./errors.ts";
import type { Patterns } from "./files/patterns.ts";
import { lintDockerfile } from "./lint/lint.ts";
import type { LintWarning } from "./lint/report.ts";
import { type BuildEvent, type BuildListener, BuildLog } from "./log.ts";
import { type BuildOutput, type Built, imageAt, writeOutput } from "./outputs.ts";
import type { BuildSession } from "./session.ts";
import { type CachePlace, openSharedCache, type SharedCache, writeSharedCache } from "./shared-cache.ts";
import { Solver } from "./solver.ts";
import { planStages } from "./stages.ts";

/** Files by name, beside the build's own context. */
export type NamedContext =
  | { readonly kind: "files"; readonly view: FileView }
  | { readonly kind: "image"; readonly name: string };

/** What runs the commands of RUN, for a stage whose files are of a platform. */
export type ExecutorChoice = (platform: ImagePlatform) => Executor;

export interface BuildOptions {
  readonly store: Store;
  /** What COPY and ADD take files from; without one there are none. */
  readonly context?: FileView;
  /** What of the context is ignored, for the rule of `--check` that looks for it. */
  readonly ignored?: Patterns;
  /** What messages call the Dockerfile. */
  readonly file?: string;
  /** Runs what RUN says; the simulated shell unless given. */
  readonly executor?: Executor | ExecutorChoice;
  /** The stage to build, by name or index; the last one unless given. */
  readonly target?: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly contexts?: Readonly<Record<string, NamedContext>>;
  /** Secrets by id. */
  readonly secrets?: Readonly<Record<string, Uint8Array>>;
  /** What to call the image: `NAME[:TAG]`. */
  readonly names?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  /** Annotations of manifests. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Annotations of the index of several images. */
  readonly indexAnnotations?: Readonly<Record<string, string>>;
  /** What the image is for; several make an index of an image for each. That of the store unless given. */
  readonly platform?: ImagePlatform | readonly ImagePlatform[];
  /** Where the result goes: the store unless given. */
  readonly outputs?: readonly BuildOutput[];
  /** Media types of the image; those of OCI unless given. */
  readonly family?: keyof typeof FAMILIES;
  readonly noCache?: boolean;
  /** Caches of other builds; one that cannot be opened is a warning. */
  readonly cacheFrom?: readonly CachePlace[];
  /** Where to put what was used and made, for other builds. */
  readonly cacheTo?: readonly CachePlace[];
  /** Whether to pull base images that are there already. */
  readonly pull?: boolean;
  /** Whether notes say why steps were hits or misses. */
  readonly explain?: boolean;
  /** Is told of everything that happens, as it happens. */
  readonly onEvent?: BuildListener;
  readonly signal?: AbortSignal;
}

export interface BuildResult {
  /** The image; of several, that of the first platform. */
  readonly image: Image;
  /** One for each platform. */
  readonly images: readonly Image[];
  /** What names lead to: the manifest, or the index of several images. */
  readonly descriptor: Descriptor;
  /** The names that it has. */
  readonly references: readonly Reference[];
  /** Everything that happened, in order; output of commands included. */
  readonly events: readonly BuildEvent[];
  /** What in the Dockerfile is probably not meant. */
  readonly warnings: readonly LintWarning[];
}

function references(names: readonly string[]): readonly Reference[] {
  return names.map((name) => {
    const reference = withDefaultTag(parseReference(name));
    if (reference.digest === undefined) return reference;
    throw new BuildError("invalid", `${name}: refusing to create a tag with a digest reference`);
  });
}

async function executorChoice(asked: BuildOptions["executor"]): Promise<ExecutorChoice> {
  if (typeof asked === "function") return asked;
  if (asked !== undefined) return () => asked;
  const { shellExecutor } = await import("../runtime/shell-executor.ts");
  return ({ architecture }) => shellExecutor({ architecture: MACHINES.get(architecture) ?? architecture });
}

/** Linux's words for architectures, where they differ from those of images. */
export const MACHINES: ReadonlyMap<string, string> = new Map([
  ["amd64", "x86_64"],
  ["arm64", "aarch64"],
  ["386", "i686"],
  ["arm", "armv7l"],
]);

/** `--build-arg SOURCE_DATE_EPOCH` counts like the variable. */
function envOf(buildArgs: ReadonlyMap<string, string>): Record<string, string> {
  const epoch = buildArgs.get("SOURCE_DATE_EPOCH");
  return epoch === undefined ? {} : { SOURCE_DATE_EPOCH: epoch };
}

function placeName(place: CachePlace): string {
  return place.kind === "registry" ? place.reference : place.directory;
}

async function openCaches(places: readonly CachePlace[], log: BuildLog): Promise<readonly SharedCache[]> {
  const opened: SharedCache[] = [];
  for (const place of places) {
    const title = `importing cache manifest from ${placeName(place)}`;
    // A cache that is not there yet is no reason not to build.
    const cache = await log
      .during(title, () => openSharedCache(place))
      .catch((error: Error) => {
        log.warning(`no cache from ${placeName(place)}: ${error.message}`);
        return undefined;
      });
    if (cache !== undefined) opened.push(cache);
  }
  return opened;
}

/** A platform as images are marked with it: a variant that goes without saying is left out (containerd, platforms.Normalize). */
function withoutUsualVariant(platform: ImagePlatform): ImagePlatform {
  const { os, architecture, variant } = platform;
  const usual =
    (architecture === "amd64" && variant === "v1") || (architecture === "arm64" && variant === "v8");
  return usual ? { os, architecture } : platform;
}

/** What all platforms of a build share. */
interface Shared {
  readonly session: BuildSession;
  readonly dockerfile: Dockerfile;
  readonly options: BuildOptions;
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly caches: CacheMounts;
  readonly executor: ExecutorChoice;
  readonly several: boolean;
  failed(): void;
}

function solverFor(shared: Shared, platform: ImagePlatform): Solver {
  const { session, dockerfile, options, buildArgs, caches, executor, failed } = shared;
  const { store, target, contexts = {} } = options;
  const globals = globalVariables(dockerfile, {
    buildArgs,
    targetPlatform: platform,
    buildPlatform: hostPlatform(),
    ...(target === undefined ? {} : { target }),
  });
  const plan = planStages(dockerfile, {
    variables: globals,
    ...(target === undefined ? {} : { target }),
    contexts: Object.keys(contexts),
  });
  return new Solver(session, {
    store,
    dockerfile,
    plan,
    globals,
    buildArgs,
    platform,
    pull: options.pull ?? false,
    context: options.context,
    contexts,
    secrets: options.secrets ?? {},
    caches,
    place: `${options.file ?? "Dockerfile"} ${formatPlatform(platform)}`,
    prefix: shared.several ? formatPlatform(platform) : "",
    executor,
    failed,
  });
}

/** What is probably not meant in a Dockerfile that was built. @throws DockerfileError where that is to fail it */
async function lint(
  shared: Shared,
  solver: Solver,
  platform: ImagePlatform,
): Promise<readonly LintWarning[]> {
  const { dockerfile, options, buildArgs } = shared;
  const { target, ignored } = options;
  const check = buildArgs.get("BUILDKIT_DOCKERFILE_CHECK");
  const { warnings, error } = lintDockerfile(dockerfile, {
    buildArgs,
    targetPlatform: platform,
    buildPlatform: hostPlatform(),
    target: target ?? String(dockerfile.stages.length - 1),
    contexts: Object.keys(options.contexts ?? {}),
    bases: await solver.bases(),
    ...(ignored === undefined ? {} : { ignore: ignored }),
    ...(check === undefined ? {} : { check }),
  });
  if (error === undefined) return warnings;
  throw new DockerfileError(dockerfile.source, warnings[0]!.range.start, error);
}

/** Makes the images, not yet named, and the index of several. */
async function solve(
  shared: Shared,
  platforms: readonly ImagePlatform[],
  names: readonly Reference[],
): Promise<Built & { readonly warnings: readonly LintWarning[] }> {
  const { session, options } = shared;
  const { labels = {}, annotations = {}, indexAnnotations = {}, store } = options;
  const solvers = platforms.map((platform) => ({ platform, solver: solverFor(shared, platform) }));
  let failure: { readonly error: unknown } | undefined;
  const results = solvers.map(async ({ solver, platform }) => {
    const { state } = await solver.target();
    return { platform, descriptor: await assembleImage(session, state, { labels, annotations }) };
  });
  for (const result of results) result.catch((error: unknown) => (failure ??= { error }));
  await Promise.allSettled(results);
  if (failure !== undefined) throw failure.error;
  const made = await Promise.all(results);
  const { platform, solver } = solvers[0]!;
  const warnings = await lint(shared, solver, platform);
  const target =
    made.length === 1 ? made[0]!.descriptor : await assembleIndex(session, made, indexAnnotations);
  const images = await Promise.all(
    made.map(async (one) => ({
      platform: one.platform,
      image: await imageAt(store, target, one.descriptor, one.platform, names),
    })),
  );
  return { target, images, references: names, warnings };
}

/**
 * Builds an image.
 * @param dockerfile the text
 * @throws DockerfileError for a text that means nothing; BuildError for a build that stops; StoreError
 */
export async function build(dockerfile: string | Uint8Array, options: BuildOptions): Promise<BuildResult> {
  const { store } = options;
  const events: BuildEvent[] = [];
  const log = new BuildLog(
    (event) => {
      events.push(event);
      options.onEvent?.(event);
    },
    () => Number(host.now() / 1_000_000n),
  );
  const names = references(options.names ?? []);
  const { file = "Dockerfile" } = options;
  const parsed = await log.during(`[internal] load build definition from ${file}`, async (work) => {
    work.note(`transferring dockerfile: ${dockerfile.length}B done`);
    return parseDockerfile(dockerfile, file);
  });
  const buildArgs = new Map(Object.entries(options.buildArgs ?? {}));
  const platforms = [options.platform ?? store.platform].flat().map(withoutUsualVariant);
  const unused = unusedBuildArgsWarning(unusedBuildArgs(parsed, buildArgs));
  const epoch = sourceDate({ ...store.env, ...envOf(buildArgs) });
  const executor = await executorChoice(options.executor);
  const stop = new AbortController();
  const shared = options.noCache ? [] : await openCaches(options.cacheFrom ?? [], log);
  const lease = store.core.lease();
  const session: BuildSession = {
    core: store.core,
    lease,
    cache: new StepCache(store.core),
    shared,
    taken: new Map(),
    log,
    executorName: executor(platforms[0]!).name,
    executor: async () => executor(platforms[0]!),
    epoch,
    clock: epoch === undefined ? host.now : () => epoch,
    layerType: FAMILIES[options.family ?? "oci"].layer,
    noCache: options.noCache ?? false,
    explain: options.explain ?? false,
    signal: options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]),
  };
  const request: Shared = {
    session,
    dockerfile: parsed,
    options,
    buildArgs,
    caches: new CacheMounts(store.core),
    executor,
    several: platforms.length > 1,
    failed: () => stop.abort(),
  };
  try {
    const built = await solve(request, platforms, names);
    for (const output of options.outputs ?? [{ kind: "store" }])
      await writeOutput(store, built, output, lease, log);
    for (const place of options.cacheTo ?? []) {
      await log.during(`exporting cache to ${placeName(place)}`, async (work) => {
        const { digest } = await writeSharedCache(store.core, lease, session.taken, place);
        work.note(`writing cache manifest ${digest} done`);
      });
    }
    if (unused !== undefined) log.warning(unused);
    const images = built.images.map(({ image }) => image);
    return {
      image: images[0]!,
      images,
      descriptor: built.target,
      references: names,
      events,
      warnings: built.warnings,
    };
  } catch (error) {
    if (options.signal?.aborted) throw new BuildError("aborted", "the build was canceled", { cause: error });
    throw error;
  } finally {
    lease.release();
    for (const cache of shared) await cache.close();
  }
}
