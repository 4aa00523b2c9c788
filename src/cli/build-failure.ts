/**
 * What is shown of a build that failed, as BuildKit shows it: the end of the failing command's output, the
 * lines of the Dockerfile around the instruction, and one sentence.
 */
import { ContextError } from "../build/context/errors.ts";
import { DockerfileError } from "../build/dockerfile/source.ts";
import { BuildError } from "../build/errors.ts";
import { IgnoreFileError } from "../build/files/dockerignore.ts";
import type { BuildEvent, Vertex } from "../build/log.ts";
import { OciError } from "../oci/errors.ts";
import { ExecutorError } from "../runtime/executor.ts";
import { StoreError } from "../store/errors.ts";
import { secondsBetween } from "./build-plain.ts";
import { Failure, messageOf } from "./failure.ts";

const SEPARATOR = "--------------------";
const DASHES = "------";
/** How many lines of output are repeated. */
const MOST_LINES = 20;

/** Lines around some of a file, those marked, as BuildKit's `Source.Print` chooses them. */
export function excerptLines(text: string, file: string, [first, last]: readonly [number, number]): string {
  const lines = text.split("\n");
  let start = first;
  let end = Math.min(last, lines.length);
  const padding = start === end ? 4 : 2;
  for (let p = 0; p < padding; p++) {
    if (start > 1) {
      start -= 1;
      p += 1;
    }
    if (end < lines.length) {
      end += 1;
      p += 1;
    }
  }
  const shown = lines.slice(start - 1, end).map((line, i) => {
    const number = start + i;
    const mark = number >= first && number <= last ? ">>>" : "   ";
    return ` ${String(number).padStart(3)} | ${mark} ${line.replace(/\r$/, "")}`;
  });
  return [`${file}:${first}`, SEPARATOR, ...shown, SEPARATOR].join("\n");
}

function linesOf(error: unknown): readonly [number, number] | undefined {
  if (error instanceof BuildError) return error.lines;
  return error instanceof DockerfileError ? [error.position.line, error.position.line] : undefined;
}

/** The output of the vertex that failed. */
function outputOf(events: readonly BuildEvent[]): readonly string[] {
  const failed = events.findLast((event) => event.kind === "error");
  if (failed?.kind !== "error") return [];
  const { vertex } = failed;
  const mine = events.filter((event) => "vertex" in event && (event.vertex as Vertex).id === vertex.id);
  const started = mine.find((event) => event.kind === "start");
  const decoder = new TextDecoder();
  const lines = mine.flatMap((event) => {
    if (event.kind !== "output") return [];
    const after = secondsBetween(started?.kind === "start" ? started.time : event.time, event.time, 3);
    const text = decoder.decode(event.bytes, { stream: true });
    return text
      .replace(/\n$/, "")
      .split("\n")
      .map((line) => `${after} ${line}`);
  });
  if (lines.length === 0) return [];
  return [DASHES, ` > ${vertex.name.replaceAll("\n", " ")}:`, ...lines.slice(-MOST_LINES), DASHES];
}

/** Whether an error is one that a build ends with, as opposed to a fault of ours. */
function isExpected(error: unknown): boolean {
  const kinds = [
    BuildError,
    DockerfileError,
    ContextError,
    IgnoreFileError,
    OciError,
    StoreError,
    ExecutorError,
  ];
  return kinds.some((kind) => error instanceof kind) || (error as { code?: unknown }).code !== undefined;
}

/**
 * What a command ends with after a build threw.
 * @param text the Dockerfile
 */
export function buildFailure(
  error: unknown,
  text: string,
  file: string,
  events: readonly BuildEvent[],
): unknown {
  if (error instanceof Failure || !isExpected(error)) return error;
  const lines = linesOf(error);
  const parts = [
    ...(error instanceof BuildError && error.code === "run-failed" ? outputOf(events) : []),
    ...(lines === undefined ? [] : [excerptLines(text, file, lines)]),
    `ERROR: failed to solve: ${messageOf(error)}`,
  ];
  return new Failure(parts.join("\n"));
}
