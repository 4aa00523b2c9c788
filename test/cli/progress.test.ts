/**
 * Progress: lines where there is no terminal, bars where there is one and it takes long enough.
 */
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { createProgress } from "../../src/cli/progress.ts";

function stream(terminal: boolean) {
  const out = new PassThrough();
  let text = "";
  out.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  // What a terminal has beside a stream, as far as drawing needs it.
  const size = { isTTY: terminal, columns: 100, rows: 20 };
  return { out: Object.assign(out, size), text: () => text };
}

test("without a terminal: a line for each status that a task takes", async () => {
  const { out, text } = stream(false);
  const progress = createProgress(out, { lines: true });
  const one = progress.task("8734f2c0a8ac", 10);
  one.status("Pulling fs layer");
  one.advance(5);
  one.status("Pulling fs layer");
  progress.task("66570b15dbcb").status("Waiting");
  one.status("Pull complete");
  await progress.stop();
  expect(text()).toBe("8734f2c0a8ac: Pulling fs layer\n66570b15dbcb: Waiting\n8734f2c0a8ac: Pull complete\n");
});

test("without a terminal and without lines: nothing", async () => {
  const { out, text } = stream(false);
  const progress = createProgress(out);
  progress.task("a").status("b");
  await progress.stop();
  expect(text()).toBe("");
});

test("on a terminal, what is over before the delay shows nothing", async () => {
  const { out, text } = stream(true);
  const progress = createProgress(out, { delay: 60_000 });
  progress.task("a", 10).advance(10);
  await progress.stop();
  expect(text()).toBe("");
});

test("on a terminal, a bar with what is done of what there is; bytes alone where the end is not known", async () => {
  const { out, text } = stream(true);
  const progress = createProgress(out, { delay: 0 });
  const known = progress.task("known", 2_000_000);
  const open = progress.task("open");
  known.status("Downloading");
  async function* bytes() {
    yield new Uint8Array(1_000_000);
  }
  const counted: number[] = [];
  for await (const chunk of progress.counted(known, bytes())) counted.push(chunk.length);
  open.advance(34);
  await new Promise((resolve) => setTimeout(resolve, 400));
  await progress.stop(true);
  expect(counted).toEqual([1_000_000]);
  expect(text()).toMatch(/known: Downloading \[=+>? *\] 1MB\/2MB/);
  expect(text()).toContain("34B");
});
