#!/usr/bin/env node
/**
 * Runs one of the benches: `npm run bench -- mount`. What they print are ratios within one run: machines
 * differ.
 */
import { readdirSync } from "node:fs";
import { bundleProgram } from "./bundle.mjs";

const names = readdirSync(new URL("../bench", import.meta.url)).map((file) => file.replace(/\.ts$/, ""));
const name = process.argv[2];
if (name === undefined || !names.includes(name)) {
  console.error(`usage: npm run bench -- NAME, one of: ${names.join(", ")}`);
  process.exit(2);
}
process.argv.splice(2, 1);
await import(await bundleProgram(`bench/${name}.ts`));
