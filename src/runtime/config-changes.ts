/**
 * Changes to an image's config by Dockerfile instructions, as `commit --change` takes them. They are parsed,
 * expanded with the image's own environment, and applied as a build does (`build/dockerfile`).
 */
import { ConfigEditError, editConfig, type StageConfig } from "../build/dockerfile/config-edit.ts";
import { expandInstruction } from "../build/dockerfile/expand-instruction.ts";
import { parseInstruction } from "../build/dockerfile/parse.ts";
import { scopeLookup, startScope } from "../build/dockerfile/scope.ts";
import { DockerfileError, makeSource } from "../build/dockerfile/source.ts";
import type { ExecutionConfig } from "../oci/config.ts";
import { StoreError } from "../store/errors.ts";

/** The instructions that change a config and nothing else. */
const ALLOWED: ReadonlySet<string> = new Set([
  "CMD",
  "ENTRYPOINT",
  "ENV",
  "EXPOSE",
  "HEALTHCHECK",
  "LABEL",
  "ONBUILD",
  "STOPSIGNAL",
  "USER",
  "VOLUME",
  "WORKDIR",
]);

function invalid(message: string, cause?: unknown): StoreError {
  return new StoreError("invalid", message, { cause });
}

function change(state: StageConfig, text: string): StageConfig {
  const [word = ""] = text.trim().split(/\s/, 1);
  const name = word.toUpperCase();
  if (!ALLOWED.has(name)) throw invalid(`${name} is not a valid change command`);
  const file = "--change";
  try {
    const expanded = expandInstruction(parseInstruction(text, file), {
      source: makeSource(text, file),
      escapeCharacter: "\\",
      lookup: scopeLookup(startScope(state.config.Env)),
    });
    return editConfig(state, expanded);
  } catch (error) {
    if (error instanceof DockerfileError) throw invalid(error.reason, error);
    if (error instanceof ConfigEditError) throw invalid(error.message, error);
    throw error;
  }
}

/**
 * A config after some instructions, applied in order. As in a Dockerfile, an entry point without a
 * command before it drops the command it did not know.
 * @throws StoreError (`invalid`) for an instruction that a commit does not take
 */
export function changeConfig(config: ExecutionConfig, instructions: readonly string[]): ExecutionConfig {
  return instructions.reduce<StageConfig>(change, { config, commandSet: false }).config;
}
