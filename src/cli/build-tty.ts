/**
 * A build on a terminal, as BuildKit draws it: a heading with how much is done, a line for each piece of
 * work with how long it took, and below one that runs the end of what it wrote. All of it is drawn again
 * in its place until the end; what does not fit the height is left out from above.
 */
import { createColors } from "picocolors";
import type { BuildEvent, Vertex } from "../build/log.ts";
import { secondsBetween } from "./build-plain.ts";
import type { BuildView } from "./build-progress.ts";

interface Task {
  readonly vertex: Vertex;
  readonly started: number;
  ended: number | undefined;
  state: "running" | "cached" | "done" | "canceled" | "error";
  notes: string[];
  /** The end of its output. */
  tail: string;
}

export interface Screen {
  write(text: string): void;
  readonly columns: number;
  readonly rows: number;
  /** Milliseconds, as the times of events. */
  now(): number;
}

const INTERVAL = 100;
const TAIL_LINES = 6;
const TAIL_SIZE = 8192;
const colors = createColors(true);

/** What moves a cursor or changes colours would spoil the drawing. */
const CONTROL = /\u001b\[[0-9;?]*[ -/]*[@-~]|[\u0000-\u0008\u000b-\u001f\u007f]/g;

function fitted(left: string, right: string, width: number): string {
  const room = width - right.length - 1;
  const text = left.length > room ? `${left.slice(0, Math.max(0, room - 3))}...` : left.padEnd(room);
  return `${text} ${right}`;
}

function painted(text: string, { state }: Task): string {
  if (state === "error") return colors.red(text);
  if (state === "canceled") return colors.yellow(text);
  return state === "running" ? text : colors.blue(text);
}

function tailOf({ tail }: Task): readonly string[] {
  const lines = tail.replace(CONTROL, "").split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.slice(-TAIL_LINES);
}

export function ttyView(screen: Screen): BuildView {
  const begun = screen.now();
  const tasks = new Map<number, Task>();
  let drawn = 0;
  const lines = (now: number, all: boolean): readonly string[] => {
    const width = Math.max(40, screen.columns - 1);
    const body = [...tasks.values()].flatMap((task) => {
      const { vertex, state, started, ended = now } = task;
      const name = vertex.name.replaceAll("\n", " ");
      const word = state === "cached" || state === "error" || state === "canceled" ? state.toUpperCase() : "";
      const text = ` => ${word === "" ? "" : `${word} `}${name}`;
      const first = painted(fitted(text, `${secondsBetween(started, ended, 1)}s`, width), task);
      const below = state === "running" ? tailOf(task).map((line) => ` => => # ${line}`) : [];
      return [
        first,
        ...task.notes.map((note) => painted(fitted(` => => ${note}`, "", width), task)),
        ...below.map((line) => fitted(line, "", width).trimEnd()),
      ];
    });
    const done = [...tasks.values()].filter(({ state }) => state !== "running").length;
    const end = all && done === tasks.size ? " FINISHED" : "";
    const heading = `[+] Building ${secondsBetween(begun, now, 1)}s (${done}/${tasks.size})${end}`;
    return [heading, ...(all ? body : body.slice(-Math.max(1, screen.rows - 2)))];
  };
  const draw = (all: boolean) => {
    const text = lines(screen.now(), all);
    const up = drawn === 0 ? "" : `\u001b[${drawn}A\r`;
    screen.write(`${up}\u001b[J${text.join("\n")}\n`);
    drawn = text.length;
  };
  const timer = setInterval(() => draw(false), INTERVAL);
  timer.unref();
  return {
    see(event: BuildEvent) {
      if (event.kind === "warning") return;
      const { vertex, time } = event;
      if (event.kind === "start") {
        const task = { vertex, started: time, ended: undefined, notes: [], tail: "" };
        tasks.set(vertex.id, { ...task, state: "running" });
        return;
      }
      const task = tasks.get(vertex.id);
      if (task === undefined) return;
      if (event.kind === "note") task.notes.push(event.text);
      else if (event.kind === "output")
        task.tail = (task.tail + new TextDecoder().decode(event.bytes)).slice(-TAIL_SIZE);
      else {
        if (event.kind !== "done" || task.state === "running") task.state = event.kind;
        if (event.kind !== "cached") task.ended = time;
      }
    },
    end() {
      clearInterval(timer);
      draw(true);
    },
  };
}
