/**
 * Rules about the instructions of a stage, followed from one to the next with the values that they would
 * have in a build (5.7).
 */
import type { ExecutionConfig } from "../../oci/config.ts";
import { ConfigEditError, editConfig, type StageConfig, startConfig } from "../dockerfile/config-edit.ts";
import { type ExpandContext, expandInstruction, expandMounts } from "../dockerfile/expand-instruction.ts";
import { parsePorts } from "../dockerfile/ports.ts";
import {
  declareArgs,
  expandContext,
  type StageScope,
  scopeLookup,
  startScope,
  type Variables,
  withEnv,
} from "../dockerfile/scope.ts";
import { DockerfileError } from "../dockerfile/source.ts";
import { suggestion } from "../dockerfile/suggest.ts";
import type { Dockerfile, Stage, StageInstruction } from "../dockerfile/syntax.ts";
import { cleanPath } from "../files/path.ts";
import type { Patterns } from "../files/patterns.ts";
import type { LintReport } from "./report.ts";
import { RULES } from "./rules.ts";

/** What a stage hands on to those that are from it. */
export interface LintedStage {
  readonly config: ExecutionConfig;
  readonly scope: StageScope;
  /** WORKDIR was set somewhere in the Dockerfile. */
  readonly workdirSet: boolean;
  /** The image it is from is known, and so are its variables. */
  readonly isKnown: boolean;
}

export interface StageLintContext {
  readonly dockerfile: Dockerfile;
  readonly globals: Variables;
  readonly buildArgs: Variables;
  /** What the context's `.dockerignore` says, if there is one. */
  readonly ignore: Patterns | undefined;
  readonly report: LintReport;
}

const SECRET = /(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
const NO_SECRET = /(?:_|^)(?:public|file|version)(?:_|$)/i;
const ONCE: ReadonlySet<string> = new Set(["CMD", "ENTRYPOINT", "HEALTHCHECK"]);
/** Patterns that leave nothing of a context. */
const EVERYTHING: ReadonlySet<string> = new Set(["*", "**", "**/*"]);

class StageLinter {
  readonly #context: StageLintContext;
  readonly #isKnown: boolean;
  #state: StageConfig;
  #scope: StageScope;
  #workdirSet: boolean;
  readonly #once = new Map<string, StageInstruction>();

  constructor(context: StageLintContext, base: LintedStage) {
    this.#context = context;
    this.#isKnown = base.isKnown;
    this.#state = startConfig(base.config);
    this.#scope = startScope(this.#state.config.Env, base.scope);
    this.#workdirSet = base.workdirSet;
  }

  run(stage: Stage): LintedStage {
    for (const instruction of stage.instructions) this.#instruction(instruction);
    return {
      config: this.#state.config,
      scope: this.#scope,
      workdirSet: this.#workdirSet,
      isKnown: this.#isKnown,
    };
  }

  #expansion(instruction: StageInstruction): ExpandContext {
    const { dockerfile } = this.#context;
    const reported = new Set<string>();
    return {
      ...expandContext(dockerfile, scopeLookup(this.#scope)),
      onVariable: (name, isSet) => {
        if (isSet || reported.has(name)) return;
        reported.add(name);
        this.#undefined(instruction, name);
      },
    };
  }

  #undefined({ range }: StageInstruction, name: string): void {
    const { args, env } = this.#scope;
    if (!this.#isKnown || args.has(name) || name.startsWith("BUILDKIT_SBOM_")) return;
    const known = [...env.keys(), ...[...args].flatMap(([key, value]) => (value === undefined ? [] : [key]))];
    this.#context.report.add(
      RULES.undefinedVar,
      range,
      RULES.undefinedVar.message(name, suggestion(name, known)),
    );
  }

  #instruction(written: StageInstruction): void {
    const expansion = this.#expansion(written);
    if (written.name === "ARG") {
      const { globals, buildArgs } = this.#context;
      for (const { key } of written.args) this.#secret("ARG", key, written);
      this.#scope = declareArgs(this.#scope, written, globals, buildArgs, expansion).scope;
      return;
    }
    const instruction = expandInstruction(written, expansion);
    this.#check(instruction, expansion);
    try {
      this.#state = editConfig(this.#state, instruction);
    } catch (error) {
      if (!(error instanceof ConfigEditError)) throw error;
      throw new DockerfileError(this.#context.dockerfile.source, instruction.range.start, error.message);
    }
    this.#scope = withEnv(this.#scope, this.#state.config.Env);
  }

  #check(instruction: StageInstruction, expansion: ExpandContext): void {
    const { report } = this.#context;
    if (ONCE.has(instruction.name)) this.#usedOnce(instruction);
    switch (instruction.name) {
      case "RUN":
        expandMounts(instruction, expansion);
        break;
      case "CMD":
      case "ENTRYPOINT":
        if (instruction.command.form === "shell" && (this.#state.config.Shell ?? []).length === 0) {
          const { keyword, range } = instruction;
          report.add(RULES.jsonArgsRecommended, range, RULES.jsonArgsRecommended.message(keyword));
        }
        break;
      case "ENV":
      case "LABEL":
        this.#pairs(instruction);
        break;
      case "EXPOSE":
        this.#ports(instruction.ports, instruction);
        break;
      case "WORKDIR":
        if (!this.#workdirSet && !instruction.path.startsWith("/")) {
          const { path, range } = instruction;
          report.add(RULES.workdirRelativePath, range, RULES.workdirRelativePath.message(path));
        }
        this.#workdirSet = true;
        break;
      case "COPY":
        if (instruction.from === undefined) this.#ignored("Copy", instruction.sources, instruction);
        break;
      case "ADD":
        this.#ignored("Add", instruction.sources, instruction);
        break;
    }
  }

  /** The earlier one of two is told of: it is the one that does not count. */
  #usedOnce(instruction: StageInstruction): void {
    const before = this.#once.get(instruction.name);
    this.#once.set(instruction.name, instruction);
    if (before === undefined) return;
    const { multipleInstructionsDisallowed } = RULES;
    const message = multipleInstructionsDisallowed.message(instruction.keyword);
    this.#context.report.add(multipleInstructionsDisallowed, before.range, message);
  }

  #secret(name: "ARG" | "ENV", key: string, { range }: StageInstruction): void {
    if (!SECRET.test(key) || NO_SECRET.test(key)) return;
    const { secretsUsedInArgOrEnv } = RULES;
    this.#context.report.add(secretsUsedInArgOrEnv, range, secretsUsedInArgOrEnv.message(name, key));
  }

  #pairs(instruction: Extract<StageInstruction, { name: "ENV" | "LABEL" }>): void {
    const { name, keyword, range, pairs } = instruction;
    for (const { key, legacy } of pairs) {
      const { legacyKeyValueFormat } = RULES;
      if (legacy)
        this.#context.report.add(legacyKeyValueFormat, range, legacyKeyValueFormat.message(keyword));
      if (name === "ENV") this.#secret("ENV", key, instruction);
    }
  }

  #ports(words: readonly string[], { range }: StageInstruction): void {
    const { report } = this.#context;
    for (const word of words) {
      const parsed = parsePorts(word);
      if ("problem" in parsed) continue;
      const { exposeProtoCasing, exposeInvalidFormat } = RULES;
      if (parsed.protocol !== parsed.protocol.toLowerCase()) {
        report.add(exposeProtoCasing, range, exposeProtoCasing.message(word));
      }
      if (parsed.mapped) report.add(exposeInvalidFormat, range, exposeInvalidFormat.message(word));
    }
  }

  /** What is taken back by `!` cannot be told from the patterns alone: then nothing is said. */
  #ignored(command: string, sources: readonly string[], { range }: StageInstruction): void {
    const { ignore, report } = this.#context;
    if (ignore === undefined || ignore.hasNegated) return;
    for (const source of sources) {
      if (/^https?:\/\//.test(source)) continue;
      const path = cleanPath(source);
      const isRoot = path === "." || path === "/";
      if (
        isRoot ? !ignore.texts.some((text) => EVERYTHING.has(text)) : !ignore.matches(path.replace(/^\//, ""))
      ) {
        continue;
      }
      report.add(RULES.copyIgnoredFile, range, RULES.copyIgnoredFile.message(command, path));
    }
  }
}

/**
 * Checks a stage.
 * @throws DockerfileError for what a build would fail at, too
 */
export function lintStage(stage: Stage, base: LintedStage, context: StageLintContext): LintedStage {
  return new StageLinter(context, base).run(stage);
}
