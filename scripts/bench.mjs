#!/usr/bin/env node
/**
 * Runs one of the benches: `npm run bench -- mount`. They are written in TypeScript over the sources of
 * the engine, so each is bundled first. What they print are ratios within one run: machines differ.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
const names = readdirSync(join(root, "bench")).map((file) => file.replace(/\.ts$/, ""));
const name = process.argv[2];
if (name === undefined || !names.includes(name)) {
  console.error(`usage: npm run bench -- NAME, one of: ${names.join(", ")}`);
  process.exit(2);
}
const output = join(root, `node_modules/.cache/stratafs/bench-${name}.mjs`);
const bundle = await rolldown({
  input: join(root, `bench/${name}.ts`),
  cwd: root,
  platform: "node",
  external: [/^[^./#]/],
  resolve: { alias: { "#platform": join(root, "src/platform/node.ts") } },
});
await bundle.write({ file: output, format: "esm", codeSplitting: false });
await bundle.close();
process.argv.splice(2, 1);
await import(pathToFileURL(output).href);
