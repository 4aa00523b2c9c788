/**
 * A build as lines, as BuildKit writes them where there is no terminal: each with the number of what it
 * is about, and a heading wherever that changes.
 */
import { StringDecoder } from "node:string_decoder";
import type { BuildEvent, Vertex } from "../build/log.ts";
import type { BuildView } from "./build-progress.ts";

/** Output of a vertex up to the end of its last line. */
interface Shown {
  readonly started: number;
  readonly partial: { stdout: string; stderr: string };
  readonly decoders: { readonly stdout: StringDecoder; readonly stderr: StringDecoder };
  finished: boolean;
}

/** Seconds with a number of digits behind the point. */
export function secondsBetween(from: number, to: number, digits: number): string {
  return (Math.max(0, to - from) / 1000).toFixed(digits);
}

export function plainView(write: (text: string) => void): BuildView {
  const shown = new Map<number, Shown>();
  let current: number | undefined;
  let count = 0;
  const turnTo = ({ id, name }: Vertex) => {
    if (current === id) return;
    if (current !== undefined && shown.get(current)?.finished === false) write(`#${current} ...\n`);
    write(`${count++ === 0 ? "" : "\n"}#${id} ${name.replaceAll("\n", " ")}\n`);
    current = id;
  };
  const say = (vertex: Vertex, text: string) => {
    turnTo(vertex);
    write(`#${vertex.id} ${text}\n`);
  };
  const output = (vertex: Vertex, time: number, stream: "stdout" | "stderr", text: string) => {
    const state = shown.get(vertex.id)!;
    const lines = (state.partial[stream] + text).split("\n");
    state.partial[stream] = lines.pop()!;
    for (const line of lines)
      say(vertex, `${secondsBetween(state.started, time, 3)} ${line.replace(/\r$/, "")}`);
  };
  const finish = (vertex: Vertex, time: number, text: string) => {
    const state = shown.get(vertex.id)!;
    for (const stream of ["stdout", "stderr"] as const)
      if (state.partial[stream] !== "") output(vertex, time, stream, "\n");
    say(vertex, text);
    state.finished = true;
  };
  const cached = new Set<number>();
  return {
    see(event: BuildEvent) {
      if (event.kind === "warning") return;
      const { vertex, time } = event;
      switch (event.kind) {
        case "start":
          shown.set(vertex.id, {
            started: time,
            partial: { stdout: "", stderr: "" },
            decoders: { stdout: new StringDecoder(), stderr: new StringDecoder() },
            finished: false,
          });
          turnTo(vertex);
          break;
        case "output": {
          const decoder = shown.get(vertex.id)!.decoders[event.stream];
          output(vertex, time, event.stream, decoder.write(Buffer.from(event.bytes)));
          break;
        }
        case "note":
          say(vertex, event.text);
          break;
        case "cached":
          cached.add(vertex.id);
          break;
        case "done": {
          const took = secondsBetween(shown.get(vertex.id)!.started, time, 1);
          finish(vertex, time, cached.has(vertex.id) ? "CACHED" : `DONE ${took}s`);
          break;
        }
        case "canceled":
          finish(vertex, time, "CANCELED");
          break;
        case "error":
          finish(vertex, time, `ERROR: ${event.message}`);
      }
    },
    end() {},
  };
}
