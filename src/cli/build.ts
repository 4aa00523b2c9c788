/**
 * `strata build`: an image from a Dockerfile.
 */
import type { Command } from "commander";
import type { BuildOptions, BuildResult } from "../build/build.ts";
import type { BuildEvent } from "../build/log.ts";
import type { ImagePlatform } from "../oci/platform.ts";
import { nameFromBytes } from "../posix/names.ts";
import { buildFailure } from "./build-failure.ts";
import { type BuildInput, openInput } from "./build-input.ts";
import { metadataOf } from "./build-metadata.ts";
import { outputsOf } from "./build-outputs.ts";
import { buildView } from "./build-progress.ts";
import { annotationsOf, buildArgsOf, cachePlace, contextsOf, labelsOf, secretsOf } from "./build-values.ts";
import { collect } from "./collect.ts";
import type { Context } from "./context.ts";
import { executorFlag } from "./executor-flag.ts";
import { Failure } from "./failure.ts";
import { checkArguments } from "./help.ts";
import { writeOutputFile } from "./output-file.ts";
import { addRegistryFlags, platformFlag, type RegistryFlags, registryOptions } from "./registry-options.ts";

interface Flags extends RegistryFlags {
  readonly annotation: readonly string[];
  readonly buildArg: readonly string[];
  readonly buildContext: readonly string[];
  readonly cache?: boolean;
  readonly cacheFrom: readonly string[];
  readonly cacheTo: readonly string[];
  readonly check?: true;
  readonly executor: string;
  readonly explain?: true;
  readonly file?: string;
  readonly iidfile?: string;
  readonly label: readonly string[];
  readonly metadataFile?: string;
  readonly output: readonly string[];
  readonly platform: readonly string[];
  readonly progress: string;
  readonly pull?: true;
  readonly push?: true;
  readonly quiet?: true;
  readonly secret: readonly string[];
  readonly tag: readonly string[];
  readonly target?: string;
}

const HELP = `
The context is a directory, an archive of one, or '-': an archive, or a Dockerfile alone, on standard
input. RUN runs in a simulated shell where real processes cannot be had (--executor).

Examples:
  strata build -t me/app:1 .
  strata build --explain -t me/app:1 .
  strata build --target test --build-arg VERSION=2 --secret id=token,env=TOKEN .
  strata build -o type=oci,dest=app.tar --platform linux/amd64,linux/arm64 .
  strata build --check .
`;

function platformsOf(flags: Flags): readonly ImagePlatform[] {
  return flags.platform.flatMap((list) => list.split(",")).map((text) => platformFlag(text.trim())!);
}

/** Aborts when the user wants the command to end. */
function interruption(): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of names) process.on(name, abort);
  return {
    signal: controller.signal,
    end() {
      for (const name of names) process.off(name, abort);
    },
  };
}

/** Everything that flags ask of a build. */
async function optionsOf(
  context: Context,
  flags: Flags,
): Promise<Omit<BuildOptions, "context"> & { closeContexts(): void }> {
  const push = registryOptions(context, flags);
  const { outputs, names, family } = outputsOf(context, flags, push);
  const platforms = platformsOf(flags);
  const executor = await executorFlag(flags.executor, (line) => {
    if (!flags.quiet && flags.progress !== "rawjson" && flags.progress !== "json")
      context.complain(`#0 ${line}`);
  });
  const { contexts, close } = await contextsOf(context, flags.buildContext);
  return {
    store: await context.store(),
    outputs,
    names: [...flags.tag, ...names],
    buildArgs: buildArgsOf(context, flags.buildArg),
    labels: labelsOf(flags.label),
    annotations: annotationsOf(flags.annotation, "manifest"),
    indexAnnotations: annotationsOf(flags.annotation, "index"),
    secrets: secretsOf(context, flags.secret),
    contexts,
    executor,
    cacheFrom: flags.cacheFrom.map((text) => cachePlace("--cache-from", text, push)),
    cacheTo: flags.cacheTo.map((text) => cachePlace("--cache-to", text, push)),
    noCache: flags.cache === false,
    pull: flags.pull ?? false,
    explain: flags.explain ?? false,
    ...(family === undefined ? {} : { family }),
    ...(platforms.length === 0 ? {} : { platform: platforms }),
    ...(flags.target === undefined ? {} : { target: flags.target }),
    closeContexts: close,
  };
}

function reportWarnings(context: Context, { warnings, events }: BuildResult): void {
  for (const event of events) if (event.kind === "warning") context.complain(event.message);
  if (warnings.length === 0) return;
  const count = warnings.length === 1 ? "1 warning" : `${warnings.length} warnings`;
  const lines = warnings.map(
    ({ rule, message, range }) => ` - ${rule}: ${message} (line ${range.start.line})`,
  );
  context.complain([`\n ${count} found:`, ...lines].join("\n"));
}

async function writeResults(context: Context, flags: Flags, result: BuildResult): Promise<void> {
  const id = result.images.length === 1 ? result.image.id : result.descriptor.digest;
  const write = (path: string, text: string) =>
    writeOutputFile(
      path,
      (async function* () {
        yield new TextEncoder().encode(text);
      })(),
    );
  if (flags.iidfile !== undefined) await write(flags.iidfile, id);
  if (flags.metadataFile !== undefined)
    await write(flags.metadataFile, `${JSON.stringify(metadataOf(result), undefined, 2)}\n`);
  if (flags.quiet) await context.print(id);
}

async function run(context: Context, path: string, flags: Flags): Promise<void> {
  const store = await context.store();
  const input = await openInput(context, path, flags.file, store.core.files).catch((error: unknown) => {
    throw buildFailure(error, "", "", []);
  });
  try {
    if (flags.check) return await check(context, input, flags);
    await build(context, input, flags);
  } finally {
    input.close();
  }
}

async function build(context: Context, input: BuildInput, flags: Flags): Promise<void> {
  const { dockerfile, file } = input;
  const { build: buildImage } = await import("../build/build.ts");
  const { closeContexts, ...options } = await optionsOf(context, flags);
  const view = await buildView(context, flags.quiet ? "quiet" : flags.progress);
  const events: BuildEvent[] = [];
  const { signal, end } = interruption();
  let result: BuildResult;
  try {
    result = await buildImage(dockerfile, {
      ...options,
      context: input.context,
      ignored: input.ignore,
      file,
      signal,
      onEvent(event) {
        events.push(event);
        view.see(event);
      },
    });
  } catch (error) {
    view.end();
    throw buildFailure(error, nameFromBytes(dockerfile), file, events);
  } finally {
    end();
    closeContexts();
  }
  view.end();
  if (!flags.quiet && !/json$/.test(flags.progress)) reportWarnings(context, result);
  await writeResults(context, flags, result);
}

/** `--check`: what is probably not meant, and nothing built. */
async function check(context: Context, input: BuildInput, flags: Flags): Promise<void> {
  const [{ parseDockerfile }, { lintDockerfile }, { hostPlatform }] = await Promise.all([
    import("../build/dockerfile/parse.ts"),
    import("../build/lint/lint.ts"),
    import("../runtime/environment.ts"),
  ]);
  const { file, dockerfile, ignore } = input;
  const text = nameFromBytes(dockerfile);
  const store = await context.store();
  const buildArgs = new Map(Object.entries(buildArgsOf(context, flags.buildArg)));
  const asked = buildArgs.get("BUILDKIT_DOCKERFILE_CHECK");
  try {
    const { warnings, error } = lintDockerfile(parseDockerfile(dockerfile, file), {
      buildArgs,
      targetPlatform: platformsOf(flags)[0] ?? store.platform,
      buildPlatform: hostPlatform(),
      contexts: flags.buildContext.map((entry) => entry.split("=", 1)[0]!),
      ignore,
      ...(flags.target === undefined ? {} : { target: flags.target }),
      ...(asked === undefined ? {} : { check: asked }),
    });
    if (warnings.length === 0) return await context.print("Check complete, no warnings found.");
    const { excerptLines } = await import("./build-failure.ts");
    const count = warnings.length === 1 ? "1 warning has" : `${warnings.length} warnings have`;
    await context.print(`Check complete, ${count} been found!`);
    for (const { rule, description, message, range, url } of warnings) {
      const lines = [range.start.line, range.end.line] as const;
      await context.print(
        `\nWARNING: ${rule}${url === undefined ? "" : ` - ${url}`}\n${description}\n${message}\n`,
      );
      await context.print(excerptLines(text, file, lines));
    }
    context.exitCode = 1;
    if (error !== undefined) throw new Failure(`ERROR: failed to solve: ${error}`);
  } catch (error) {
    throw buildFailure(error, text, file, []);
  }
}

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] PATH | -")
    .option("--annotation <list>", "Annotation of the image: [manifest|index:]KEY=VALUE", collect, [])
    .option("--build-arg <list>", "Value of an ARG: NAME=VALUE, or NAME from the environment", collect, [])
    .option(
      "--build-context <list>",
      "Another context: NAME=DIR, NAME=docker-image://REF or NAME=oci-layout://DIR[:TAG]",
      collect,
      [],
    )
    .option("--cache-from <list>", "Use a cache: type=registry,ref=NAME or type=local,src=DIR", collect, [])
    .option("--cache-to <list>", "Write a cache: type=registry,ref=NAME or type=local,dest=DIR", collect, [])
    .option("--check", "Say what in the Dockerfile is probably not meant, and build nothing")
    .option("--executor <name>", 'What runs RUN: "auto", "native" or "shell"', "auto")
    .option("--explain", "Say of each step why it was, or was not, in the cache")
    .option("-f, --file <path>", "The Dockerfile (default: PATH/Dockerfile), or '-'")
    .option("--iidfile <file>", "Write the image ID to a file")
    .option("--label <list>", "Set a label: KEY=VALUE", collect, [])
    .option("--metadata-file <file>", "Write what was built to a file, as JSON")
    .option("--network <mode>", "Accepted for Docker's sake: RUN has the network of this machine, or none")
    .option("--no-cache", "Run every step, also those in the cache")
    .option("-o, --output <list>", "Where the result goes: type=oci|docker|tar|local,dest=PATH", collect, [])
    .option("--platform <list>", "What to build for; several make an index", collect, [])
    .option("--progress <mode>", 'How to show what goes on: "auto", "plain", "tty" or "rawjson"', "auto")
    .option("--pull", "Pull base images that are there already, too")
    .option("--push", "Push the image to the registry of each of its names")
    .option("-q, --quiet", "Print only the image ID")
    .option("--secret <list>", "Give RUN a secret: id=ID[,src=FILE|,env=NAME]", collect, [])
    .option("-t, --tag <list>", "Name the image: NAME[:TAG]", collect, [])
    .option("--target <stage>", "Build this stage, not the last one")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], flags: Flags) => {
      checkArguments(command, args.length, 1, 1);
      await run(context, args[0]!, flags);
    });
  addRegistryFlags(command);
}
