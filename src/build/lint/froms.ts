/**
 * Rules about FROM: its variables, its platform, and the image that it names (5.7).
 */
import { OciError } from "../../oci/errors.ts";
import { type ImagePlatform, parsePlatform } from "../../oci/platform.ts";
import { parseReference } from "../../oci/reference.ts";
import { InstructionExpander } from "../dockerfile/expand-instruction.ts";
import { type BuildArguments, expandContext, globalVariables, type Variables } from "../dockerfile/scope.ts";
import { suggestion } from "../dockerfile/suggest.ts";
import type { Dockerfile, FromInstruction } from "../dockerfile/syntax.ts";
import type { LintReport } from "./report.ts";
import { RULES } from "./rules.ts";

const NO_ARGS: Variables = new Map();

interface Use {
  readonly text: string;
  readonly set: ReadonlySet<string>;
  readonly unset: ReadonlySet<string>;
}

/** A word of a FROM with its variables expanded, and which those are. */
function use(dockerfile: Dockerfile, from: FromInstruction, word: string, variables: Variables): Use {
  const set = new Set<string>();
  const unset = new Set<string>();
  const expander = new InstructionExpander(from, {
    ...expandContext(dockerfile, (name) => variables.get(name)),
    onVariable: (name, isSet) => (isSet ? set : unset).add(name),
  });
  return { text: expander.word(word), set, unset };
}

function orUndefined<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof OciError) return undefined;
    throw error;
  }
}

function undeclared(
  from: FromInstruction,
  { unset }: Use,
  declared: ReadonlySet<string>,
  report: LintReport,
): void {
  for (const name of unset) {
    if (declared.has(name)) continue;
    const message = RULES.undefinedArgInFrom.message(name, suggestion(name, declared));
    report.add(RULES.undefinedArgInFrom, from.range, message);
  }
}

function platform(from: FromInstruction, used: Use, variables: Variables, report: LintReport): void {
  const written = from.platform!;
  const { text, set, unset } = used;
  if (
    set.size === 1 &&
    unset.size === 0 &&
    set.has("TARGETPLATFORM") &&
    text === variables.get("TARGETPLATFORM")
  ) {
    report.add(RULES.redundantTargetPlatform, from.range, RULES.redundantTargetPlatform.message(written));
  }
  if (set.size > 0 || unset.size > 0) return;
  const parsed = orUndefined(() => parsePlatform(text));
  if (parsed === undefined) return;
  const name = from.stageName ?? "";
  // A stage that is named after its platform means it.
  if (name.includes(parsed.os) || name.includes(parsed.architecture)) return;
  const { fromPlatformFlagConstDisallowed } = RULES;
  report.add(fromPlatformFlagConstDisallowed, from.range, fromPlatformFlagConstDisallowed.message(text));
}

/** Whether the image is one even where no build argument is given. */
function defaults(dockerfile: Dockerfile, build: BuildArguments, report: LintReport): void {
  const variables = globalVariables(dockerfile, { ...build, buildArgs: NO_ARGS });
  for (const { from } of dockerfile.stages) {
    const { text } = use(dockerfile, from, from.base, variables);
    if (orUndefined(() => parseReference(text)) !== undefined) continue;
    const { invalidDefaultArgInFrom } = RULES;
    report.add(invalidDefaultArgInFrom, from.range, invalidDefaultArgInFrom.message(from.base));
  }
}

/** @throws DockerfileError for a word that cannot be expanded */
export function lintFroms(dockerfile: Dockerfile, build: BuildArguments, report: LintReport): void {
  defaults(dockerfile, build, report);
  const variables = globalVariables(dockerfile, build);
  const declared = new Set(variables.keys());
  for (const { args } of dockerfile.globalArgs) for (const { key } of args) declared.add(key);
  for (const { from } of dockerfile.stages) {
    undeclared(from, use(dockerfile, from, from.base, variables), declared, report);
    if (from.platform === undefined) continue;
    const used = use(dockerfile, from, from.platform, variables);
    undeclared(from, used, declared, report);
    platform(from, used, variables, report);
  }
}

/** A platform with its variant, as BuildKit prints it. */
function platformText({ os, architecture, variant }: ImagePlatform): string {
  const implied = `${architecture}/${variant}` === "arm64/v8" || `${architecture}/${variant}` === "amd64/v1";
  return variant === undefined || implied ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/** Whether a base is of the platform that it was asked for. */
export function lintBasePlatform(
  from: FromInstruction,
  image: string,
  expected: ImagePlatform,
  actual: ImagePlatform,
  report: LintReport,
): void {
  if (expected.os === actual.os && expected.architecture === actual.architecture) return;
  const { invalidBaseImagePlatform } = RULES;
  const message = invalidBaseImagePlatform.message(image, platformText(expected), platformText(actual));
  report.add(invalidBaseImagePlatform, from.range, message);
}
