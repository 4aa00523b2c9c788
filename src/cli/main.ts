#!/usr/bin/env node
/**
 * The `strata` command. A reader that goes away ends it quietly, as it ends `cat`; a full disk under its
 * output ends it with a message. Who has a listener of his own for that decides instead: a command in a
 * container goes on to its end (`attached-process.ts`).
 */
import process from "node:process";
import { messageOf } from "./failure.ts";
import { run } from "./program.ts";

for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (stream.listenerCount("error") > 1) return;
    if (error.code === "EPIPE") process.exit(0);
    if (stream === process.stdout) process.stderr.write(`standard output: ${messageOf(error)}\n`);
    process.exit(1);
  });
}

process.exitCode = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  now: Date.now,
});
