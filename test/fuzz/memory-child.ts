/**
 * A process that reads one archive from its standard input and applies it. It prints by how
 * many bytes the process grew at most while it read and until it had applied, and how that ended.
 */
import { readFileSync } from "node:fs";
import { applyLayers } from "../../src/layer/apply.ts";
import { openLayer } from "../../src/layer/index-file.ts";
import { readLayer } from "../../src/layer/read.ts";
import { ArchiveError } from "../../src/tar/entry.ts";
import { REAL_ARCHIVES } from "./archives.ts";

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const sink = { write() {} };

// What is compiled and allocated once is no part of it.
for (const archive of REAL_ARCHIVES) await readLayer(once(archive), sink);
const start = process.memoryUsage.rss();
// Not `maxRSS`: that one counts what the process was before execve(2), a copy of the one that started it.
const peak = () => Number(/VmHWM:\s*(\d+)/.exec(readFileSync("/proc/self/status", "latin1"))![1]) * 1024;
const grown = () => peak() - start;
let read: number | undefined;
let end: string;
try {
  const { diffID, size, entryCount, index } = await readLayer(process.stdin, sink);
  read = grown();
  const archive = { size, read: () => 0, close() {} };
  const layer = openLayer({ diffID, archive, index });
  if (layer === undefined) throw new Error("the index of a layer that was just read cannot be opened");
  const { nodeCount } = applyLayers([layer]);
  end = `${entryCount} entries, ${nodeCount} inodes`;
} catch (error) {
  if (!(error instanceof ArchiveError)) throw error;
  end = error.code;
}
process.stdout.write(`${read ?? grown()} ${grown()} ${end}\n`);
