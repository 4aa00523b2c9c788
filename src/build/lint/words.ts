/**
 * Rules that need no values: how keywords, stages and comments are written (5.7).
 */
import type { Dockerfile, FromInstruction, Instruction } from "../dockerfile/syntax.ts";
import type { LintReport } from "./report.ts";
import { RULES } from "./rules.ts";

const RESERVED: ReadonlySet<string> = new Set(["context", "scratch"]);

const isLower = (text: string): boolean => text === text.toLowerCase();
const isUpper = (text: string): boolean => text === text.toUpperCase();

function fromWords(from: FromInstruction, report: LintReport): void {
  const { as, keyword, range } = from;
  if (as === undefined) return;
  if (!isLower(as.stageName))
    report.add(RULES.stageNameCasing, range, RULES.stageNameCasing.message(as.stageName));
  // A keyword of mixed case is another rule's.
  const matches = isLower(keyword) ? isLower(as.keyword) : !isUpper(keyword) || isUpper(as.keyword);
  if (!matches) report.add(RULES.fromAsCasing, range, RULES.fromAsCasing.message(keyword, as.keyword));
}

function stageNames(dockerfile: Dockerfile, report: LintReport): void {
  const seen = new Set<string>();
  for (const { from } of dockerfile.stages) {
    const { stageName, range } = from;
    if (stageName === undefined) continue;
    if (RESERVED.has(stageName)) {
      report.add(RULES.reservedStageName, range, RULES.reservedStageName.message(stageName));
    }
    if (seen.has(stageName)) {
      report.add(RULES.duplicateStageName, range, RULES.duplicateStageName.message(stageName));
    }
    seen.add(stageName);
  }
}

/** Whichever of upper and lower case has more instructions is right; upper case where none has. */
function casing(instructions: readonly Instruction[], report: LintReport): void {
  const lower = instructions.filter(({ keyword }) => isLower(keyword)).length;
  const upper = instructions.filter(({ keyword }) => isUpper(keyword)).length;
  const [isRight, name] = lower > upper ? [isLower, "lowercase"] : [isUpper, "uppercase"];
  for (const { keyword, range } of instructions) {
    if (isRight(keyword)) continue;
    const { consistentInstructionCasing } = RULES;
    report.add(consistentInstructionCasing, range, consistentInstructionCasing.message(keyword, name));
  }
}

/** A comment directly before a definition describes it, and then begins with its name. */
function description(instruction: Instruction, report: LintReport): void {
  const keys =
    instruction.name === "ARG"
      ? instruction.args.map(({ key }) => key)
      : instruction.name === "FROM" && instruction.stageName !== undefined
        ? [instruction.stageName]
        : [];
  const comment = instruction.comments.at(-1);
  const [first] = keys;
  if (first === undefined || comment === undefined || keys.includes(comment.split(" ", 1)[0]!)) return;
  const { invalidDefinitionDescription } = RULES;
  const message = invalidDefinitionDescription.message(
    instruction.name,
    keys.length > 1 ? "<arg_key>" : first,
  );
  report.add(invalidDefinitionDescription, instruction.range, message);
}

export function lintWords(dockerfile: Dockerfile, report: LintReport): void {
  const { stages, globalArgs, emptyContinuations } = dockerfile;
  for (const range of emptyContinuations) {
    report.add(RULES.noEmptyContinuation, range, RULES.noEmptyContinuation.message());
  }
  const instructions = stages.flatMap(({ from, instructions }): readonly Instruction[] => [
    from,
    ...instructions,
  ]);
  for (const { from } of stages) fromWords(from, report);
  for (const instruction of instructions) {
    if (instruction.name !== "MAINTAINER") continue;
    report.add(RULES.maintainerDeprecated, instruction.range, RULES.maintainerDeprecated.message());
  }
  stageNames(dockerfile, report);
  casing(instructions, report);
  for (const instruction of [...globalArgs, ...instructions]) description(instruction, report);
}
