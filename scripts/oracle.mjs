#!/usr/bin/env node
/**
 * Runs the kernel oracle from the command line: `npm run oracle -- --sequences 200000 --seed 7`.
 * It is written in TypeScript over the sources of the engine, so it is bundled first.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
const input = join(root, "test/oracle/main.ts");
const output = join(root, "node_modules/.cache/stratafs/oracle.mjs");

const bundle = await rolldown({
  input,
  cwd: root,
  platform: "node",
  external: [/^[^./#]/],
  resolve: { alias: { "#platform": join(root, "src/platform/node.ts") } },
  plugins: [
    {
      // A module finds the files beside it where its source lies, not where the bundle is.
      name: "module-urls",
      load(id) {
        if (!id.endsWith(".ts")) return null;
        const url = JSON.stringify(pathToFileURL(id).href);
        return { code: readFileSync(id, "utf8").replaceAll("import.meta.url", url), moduleType: "ts" };
      },
    },
  ],
});
await bundle.write({ file: output, format: "esm", codeSplitting: false });
await bundle.close();
await import(pathToFileURL(output).href);
