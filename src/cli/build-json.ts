/**
 * A build as lines of JSON, each a `SolveStatus` of BuildKit (`--progress rawjson`): vertexes as they begin
 * and end, logs in base64, warnings.
 */
import type { BuildEvent, Vertex } from "../build/log.ts";
import { digestOf } from "../oci/digest.ts";
import type { BuildView } from "./build-progress.ts";

const STREAMS = { stdout: 1, stderr: 2 } as const;

function stamp(time: number): string {
  return new Date(time).toISOString();
}

export function jsonView(write: (text: string) => void): BuildView {
  const started = new Map<number, string>();
  const cached = new Set<number>();
  const nameOf = ({ id, name }: Vertex) => digestOf(new TextEncoder().encode(`${id} ${name}`));
  const line = (status: object) => write(`${JSON.stringify(status)}\n`);
  const vertex = (of: Vertex, more: object) =>
    line({ vertexes: [{ digest: nameOf(of), name: of.name, started: started.get(of.id), ...more }] });
  return {
    see(event: BuildEvent) {
      if (event.kind === "warning") {
        line({ warnings: [{ level: 1, short: Buffer.from(event.message).toString("base64") }] });
        return;
      }
      const time = stamp(event.time);
      const of = event.vertex;
      switch (event.kind) {
        case "start":
          started.set(of.id, time);
          vertex(of, {});
          break;
        case "cached":
          cached.add(of.id);
          break;
        case "done":
          vertex(of, { completed: time, ...(cached.has(of.id) ? { cached: true } : {}) });
          break;
        case "canceled":
          vertex(of, { completed: time, error: "context canceled" });
          break;
        case "error":
          vertex(of, { completed: time, error: event.message });
          break;
        case "note":
          line({ statuses: [{ id: event.text, vertex: nameOf(of), timestamp: time, started: time }] });
          break;
        case "output": {
          const data = Buffer.from(event.bytes).toString("base64");
          line({ logs: [{ vertex: nameOf(of), stream: STREAMS[event.stream], data, timestamp: time }] });
        }
      }
    },
    end() {},
  };
}
