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
import { assembleImage, FAMILIES } from "./assemble.ts";
import { CacheMounts } from "./cache-mounts.ts";
import type { FileView } from "./context/view.ts";
import { parseDockerfile } from "./dockerfile/parse.ts";
import { globalVariables, unusedBuildArgs, unusedBuildArgsWarning } from "./dockerfile/scope.ts";
import { BuildError } from "./errors.ts";
import { type BuildEvent, type BuildListener, BuildLog } from "./log.ts";
import type { BuildSession } from "./session.ts";
import { Solver } from "./solver.ts";
import { planStages } from "./stages.ts";

/** Files by name, beside the build's own context. */
export type NamedContext =
  | { readonly kind: "files"; readonly view: FileView }
  | { readonly kind: "image"; readonly name: string };

export interface BuildOptions {
  readonly store: Store;
  /** What COPY and ADD take files from; without one there are none. */
  readonly context?: FileView;
  /** What messages call the Dockerfile. */
  readonly file?: string;
  /** Runs what RUN says; the simulated shell unless given. */
  readonly executor?: Executor;
  /** The stage to build, by name or index; the last one unless given. */
  readonly target?: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly contexts?: Readonly<Record<string, NamedContext>>;
  /** Secrets by id. */
  readonly secrets?: Readonly<Record<string, Uint8Array>>;
  /** What to call the image: `NAME[:TAG]`. */
  readonly names?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** What the image is for; that of the store unless given. */
  readonly platform?: ImagePlatform;
  /** Media types of the image; those of OCI unless given. */
  readonly family?: keyof typeof FAMILIES;
  readonly noCache?: boolean;
  /** Whether to pull base images that are there already. */
  readonly pull?: boolean;
  /** Whether notes say why steps were hits or misses. */
  readonly explain?: boolean;
  /** Is told of everything that happens, as it happens. */
  readonly onEvent?: BuildListener;
  readonly signal?: AbortSignal;
}

export interface BuildResult {
  readonly image: Image;
  readonly descriptor: Descriptor;
  /** Everything that happened, in order; output of commands included. */
  readonly events: readonly BuildEvent[];
}

function references(names: readonly string[]): readonly Reference[] {
  return names.map((name) => {
    const reference = withDefaultTag(parseReference(name));
    if (reference.digest === undefined) return reference;
    throw new BuildError("invalid", `${name}: refusing to create a tag with a digest reference`);
  });
}

/** What the executor that runs commands unless another is given calls itself. */
const SIMULATED_SHELL = "shell";

async function defaultExecutor(): Promise<Executor> {
  const { shellExecutor } = await import("../runtime/shell-executor.ts");
  return shellExecutor();
}

/**
 * Builds an image.
 * @param dockerfile the text
 * @throws DockerfileError for a text that means nothing; BuildError for a build that stops; StoreError
 */
export async function build(dockerfile: string | Uint8Array, options: BuildOptions): Promise<BuildResult> {
  const { store, target, signal } = options;
  const events: BuildEvent[] = [];
  const log = new BuildLog(
    (event) => {
      events.push(event);
      options.onEvent?.(event);
    },
    () => Number(host.now() / 1_000_000n),
  );
  const wanted = references(options.names ?? []);
  const parsed = parseDockerfile(dockerfile, options.file);
  const buildArgs = new Map(Object.entries(options.buildArgs ?? {}));
  const platform = options.platform ?? store.platform;
  const globals = globalVariables(parsed, {
    buildArgs,
    targetPlatform: platform,
    buildPlatform: hostPlatform(),
    ...(target === undefined ? {} : { target }),
  });
  const plan = planStages(parsed, {
    variables: globals,
    ...(target === undefined ? {} : { target }),
    contexts: Object.keys(options.contexts ?? {}),
  });
  const unused = unusedBuildArgsWarning(unusedBuildArgs(parsed, buildArgs));
  const epoch = sourceDate({ ...store.env, ...envOf(buildArgs) });
  let { executor } = options;
  const lease = store.core.lease();
  const session: BuildSession = {
    core: store.core,
    lease,
    cache: new StepCache(store.core),
    log,
    executorName: executor?.name ?? SIMULATED_SHELL,
    executor: async () => (executor ??= await defaultExecutor()),
    epoch,
    clock: epoch === undefined ? host.now : () => epoch,
    layerType: FAMILIES[options.family ?? "oci"].layer,
    noCache: options.noCache ?? false,
    explain: options.explain ?? false,
    signal,
  };
  try {
    const solver = new Solver(session, {
      store,
      dockerfile: parsed,
      plan,
      globals,
      buildArgs,
      platform,
      pull: options.pull ?? false,
      context: options.context,
      contexts: options.contexts ?? {},
      secrets: options.secrets ?? {},
      caches: new CacheMounts(store.core),
      place: `${options.file ?? "Dockerfile"} ${formatPlatform(platform)}`,
    });
    const { state } = await solver.target();
    const { labels = {}, annotations = {} } = options;
    const image = await log.during("exporting to image", async (work) => {
      const descriptor = await assembleImage(session, state, { labels, annotations });
      work.note(`writing image ${descriptor.digest}`);
      let adopted: Image | undefined;
      for (const reference of wanted.length === 0 ? [undefined] : wanted) {
        adopted = await store.adopt(descriptor, reference);
        if (reference !== undefined) work.note(`naming to ${adopted.tags.at(-1)}`);
      }
      return adopted!;
    });
    if (unused !== undefined) log.warning(unused);
    return { image, descriptor: image.descriptor, events };
  } finally {
    lease.release();
  }
}

/** `--build-arg SOURCE_DATE_EPOCH` counts like the variable. */
function envOf(buildArgs: ReadonlyMap<string, string>): Record<string, string> {
  const epoch = buildArgs.get("SOURCE_DATE_EPOCH");
  return epoch === undefined ? {} : { SOURCE_DATE_EPOCH: epoch };
}
