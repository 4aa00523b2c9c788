/**
 * `--check`: what in a Dockerfile is allowed and probably not meant (5.7).
 *
 * Everything is checked that a build with these arguments would do; without a target, all stages. What a base
 * image brings along counts where it is known: of a stage whose base is not, it is not said that a variable is
 * undefined.
 */
import type { ExecutionConfig } from "../../oci/config.ts";
import type { ImagePlatform } from "../../oci/platform.ts";
import { type BuildArguments, globalVariables } from "../dockerfile/scope.ts";
import { DockerfileError } from "../dockerfile/source.ts";
import type { Dockerfile } from "../dockerfile/syntax.ts";
import type { Patterns } from "../files/patterns.ts";
import { type PlannedStage, planStages } from "../stages.ts";
import { lintBasePlatform, lintFroms } from "./froms.ts";
import { CheckOptionsError, LintReport, type LintWarning, parseCheckOptions } from "./report.ts";
import { type LintedStage, lintStage, type StageLintContext } from "./stage.ts";
import { lintWords } from "./words.ts";

export interface BaseImage {
  readonly config: ExecutionConfig;
  readonly platform: ImagePlatform;
}

export interface LintOptions extends BuildArguments {
  /** Names of `--build-context`. */
  readonly contexts?: Iterable<string>;
  /** What the context's `.dockerignore` says. */
  readonly ignore?: Patterns;
  /** Images that FROMs name, by that name with variables expanded. */
  readonly bases?: ReadonlyMap<string, BaseImage>;
  /** In place of the Dockerfile's own directive: the build argument `BUILDKIT_DOCKERFILE_CHECK`. */
  readonly check?: string;
}

export interface LintResult {
  /** In the order of the file. */
  readonly warnings: readonly LintWarning[];
  /** The warnings are to fail the build: the sentence that says so. */
  readonly error?: string;
}

function optionsOf(dockerfile: Dockerfile, check: string | undefined) {
  try {
    return parseCheckOptions(check ?? dockerfile.directives.check ?? "");
  } catch (error) {
    if (!(error instanceof CheckOptionsError)) throw error;
    throw new DockerfileError(dockerfile.source, { line: 1, column: 1 }, error.message);
  }
}

const NOTHING: LintedStage = {
  config: { WorkingDir: "/" },
  scope: { env: new Map(), args: new Map() },
  workdirSet: false,
  isKnown: true,
};

/** What a stage starts from. */
function baseOf(
  planned: PlannedStage,
  done: ReadonlyMap<number, LintedStage>,
  options: LintOptions,
  report: LintReport,
): LintedStage {
  const { base, from, platform } = planned;
  if (base.kind === "scratch") return NOTHING;
  if (base.kind === "stage") return done.get(base.index) ?? NOTHING;
  const image = options.bases?.get(base.name);
  if (image === undefined) return { ...NOTHING, isKnown: false };
  if (base.kind === "image") {
    lintBasePlatform(from, base.name, platform ?? options.targetPlatform, image.platform, report);
  }
  return { ...NOTHING, config: image.config };
}

/**
 * Checks a Dockerfile.
 * @throws DockerfileError for what a build would fail at, too
 */
export function lintDockerfile(dockerfile: Dockerfile, options: LintOptions): LintResult {
  const checks = optionsOf(dockerfile, options.check);
  const report = new LintReport(checks);
  lintWords(dockerfile, report);
  lintFroms(dockerfile, options, report);
  const globals = globalVariables(dockerfile, options);
  const { target, contexts = [] } = options;
  const plan = planStages(dockerfile, {
    variables: globals,
    contexts,
    ...(target !== undefined && { target }),
  });
  const checked = target === undefined || target === "" ? plan.stages.keys() : plan.needed;
  const context: StageLintContext = {
    dockerfile,
    globals,
    buildArgs: options.buildArgs,
    ignore: options.ignore,
    report,
  };
  const done = new Map<number, LintedStage>();
  for (const index of checked) {
    const planned = plan.stages[index]!;
    done.set(index, lintStage(planned.stage, baseOf(planned, done, options, report), context));
  }
  const warnings = report.warnings();
  if (!checks.error || warnings.length === 0) return { warnings };
  const names = [...new Set(warnings.map(({ rule }) => rule))];
  return { warnings, error: `lint violation found for rules: ${names.join(", ")}` };
}
