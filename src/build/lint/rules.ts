/**
 * The rules of `--check` (5.7): names, descriptions, pages and messages are BuildKit's, so that what is
 * written about them, and what skips them, holds here too.
 */
import { quoted } from "../dockerfile/text.ts";

export interface LintRule {
  readonly name: string;
  readonly description: string;
  /** Where it is explained; absent for a rule without a page. */
  readonly url?: string;
  /** It is checked only where `experimental` asks for it. */
  readonly experimental?: true;
}

function page(name: string): string {
  return `https://docs.docker.com/go/dockerfile/rule/${name}/`;
}

/** `, did you mean` in the form of a rule. */
function hint(text: string | undefined): string {
  return text === undefined ? "" : ` (did you mean ${text}?)`;
}

function rule<A extends readonly unknown[]>(
  properties: LintRule,
  message: (...args: A) => string,
): LintRule & { readonly message: (...args: A) => string } {
  return { ...properties, message };
}

export const RULES = {
  stageNameCasing: rule(
    {
      name: "StageNameCasing",
      description: "Stage names should be lowercase",
      url: page("stage-name-casing"),
    },
    (name: string) => `Stage name '${name}' should be lowercase`,
  ),
  fromAsCasing: rule(
    {
      name: "FromAsCasing",
      description: "The 'as' keyword should match the case of the 'from' keyword",
      url: page("from-as-casing"),
    },
    (from: string, as: string) => `'${as}' and '${from}' keywords' casing do not match`,
  ),
  noEmptyContinuation: rule(
    {
      name: "NoEmptyContinuation",
      description: "Empty continuation lines will become errors in a future release",
      url: page("no-empty-continuation"),
    },
    () => "Empty continuation line",
  ),
  consistentInstructionCasing: rule(
    {
      name: "ConsistentInstructionCasing",
      description: "All commands within the Dockerfile should use the same casing (either upper or lower)",
      url: page("consistent-instruction-casing"),
    },
    (keyword: string, casing: string) =>
      `Command '${keyword}' should match the case of the command majority (${casing})`,
  ),
  duplicateStageName: rule(
    {
      name: "DuplicateStageName",
      description: "Stage names should be unique",
      url: page("duplicate-stage-name"),
    },
    (name: string) => `Duplicate stage name ${quoted(name)}, stage names should be unique`,
  ),
  reservedStageName: rule(
    {
      name: "ReservedStageName",
      description: "Reserved words should not be used as stage names",
      url: page("reserved-stage-name"),
    },
    (name: string) => `Stage name should not use the same name as reserved stage ${quoted(name)}`,
  ),
  jsonArgsRecommended: rule(
    {
      name: "JSONArgsRecommended",
      description:
        "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals",
      url: page("json-args-recommended"),
    },
    (keyword: string) =>
      `JSON arguments recommended for ${keyword} to prevent unintended behavior related to OS signals`,
  ),
  maintainerDeprecated: rule(
    {
      name: "MaintainerDeprecated",
      description: "The MAINTAINER instruction is deprecated, use a label instead to define an image author",
      url: page("maintainer-deprecated"),
    },
    () => "Maintainer instruction is deprecated in favor of using label",
  ),
  undefinedArgInFrom: rule(
    {
      name: "UndefinedArgInFrom",
      description: "FROM command must use declared ARGs",
      url: page("undefined-arg-in-from"),
    },
    (name: string, near: string | undefined) => `FROM argument '${name}' is not declared${hint(near)}`,
  ),
  workdirRelativePath: rule(
    {
      name: "WorkdirRelativePath",
      description:
        "Relative workdir without an absolute workdir declared within the build can have unexpected results if the base image changes",
      url: page("workdir-relative-path"),
    },
    (path: string) =>
      `Relative workdir ${quoted(path)} can have unexpected results if the base image changes`,
  ),
  undefinedVar: rule(
    {
      name: "UndefinedVar",
      description: "Variables should be defined before their use",
      url: page("undefined-var"),
    },
    (name: string, near: string | undefined) =>
      `Usage of undefined variable '$${name}'${hint(near === undefined ? undefined : `$${near}`)}`,
  ),
  multipleInstructionsDisallowed: rule(
    {
      name: "MultipleInstructionsDisallowed",
      description: "Multiple instructions of the same type should not be used in the same stage",
      url: page("multiple-instructions-disallowed"),
    },
    (keyword: string) =>
      `Multiple ${keyword} instructions should not be used in the same stage because only the last one will be used`,
  ),
  legacyKeyValueFormat: rule(
    {
      name: "LegacyKeyValueFormat",
      description: "Legacy key/value format with whitespace separator should not be used",
      url: page("legacy-key-value-format"),
    },
    (keyword: string) =>
      `"${keyword} key=value" should be used instead of legacy "${keyword} key value" format`,
  ),
  invalidBaseImagePlatform: rule(
    {
      name: "InvalidBaseImagePlatform",
      description: "Base image platform does not match expected target platform",
    },
    (image: string, expected: string, actual: string) =>
      `Base image ${image} was pulled with platform ${quoted(actual)}, expected ${quoted(expected)} for current build`,
  ),
  redundantTargetPlatform: rule(
    {
      name: "RedundantTargetPlatform",
      description:
        "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior",
      url: page("redundant-target-platform"),
    },
    (written: string) =>
      `Setting platform to predefined ${written} in FROM is redundant as this is the default behavior`,
  ),
  secretsUsedInArgOrEnv: rule(
    {
      name: "SecretsUsedInArgOrEnv",
      description: "Sensitive data should not be used in the ARG or ENV commands",
      url: page("secrets-used-in-arg-or-env"),
    },
    (instruction: string, key: string) =>
      `Do not use ARG or ENV instructions for sensitive data (${instruction} ${quoted(key)})`,
  ),
  invalidDefaultArgInFrom: rule(
    {
      name: "InvalidDefaultArgInFrom",
      description: "Default value for global ARG results in an empty or invalid base image name",
      url: page("invalid-default-arg-in-from"),
    },
    (base: string) => `Default value for ARG ${base} results in empty or invalid base image name`,
  ),
  fromPlatformFlagConstDisallowed: rule(
    {
      name: "FromPlatformFlagConstDisallowed",
      description: "FROM --platform flag should not use a constant value",
      url: page("from-platform-flag-const-disallowed"),
    },
    (platform: string) => `FROM --platform flag should not use constant value ${quoted(platform)}`,
  ),
  copyIgnoredFile: rule(
    {
      name: "CopyIgnoredFile",
      description: "Attempting to Copy file that is excluded by .dockerignore",
      url: page("copy-ignored-file"),
      experimental: true,
    },
    (command: string, file: string) =>
      `Attempting to ${command} file ${quoted(file)} that is excluded by .dockerignore`,
  ),
  invalidDefinitionDescription: rule(
    {
      name: "InvalidDefinitionDescription",
      description:
        "Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not intended to be a description comment, add an empty line or comment between the instruction and the comment.",
      url: page("invalid-definition-description"),
      experimental: true,
    },
    (instruction: string, name: string) =>
      `Comment for ${instruction} should follow the format: \`# ${name} <description>\``,
  ),
  exposeProtoCasing: rule(
    {
      name: "ExposeProtoCasing",
      description: "Protocol in EXPOSE instruction should be lowercase",
      url: page("expose-proto-casing"),
    },
    (port: string) => `Defined protocol '${port}' in EXPOSE instruction should be lowercase`,
  ),
  exposeInvalidFormat: rule(
    {
      name: "ExposeInvalidFormat",
      description:
        "IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a future release",
      url: page("expose-invalid-format"),
    },
    (port: string) =>
      `EXPOSE instruction should not define an IP address or host-port mapping, found '${port}'`,
  ),
} as const;
