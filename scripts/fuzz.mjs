#!/usr/bin/env node
/** Runs the fuzzers from the command line: `npm run fuzz -- --cases 100000 --seed 7 [--target NAME]`. */
import { bundleProgram } from "./bundle.mjs";

const program = await bundleProgram("test/fuzz/main.ts");
const { main } = await import(program);
process.exitCode = await main(program, process.argv.slice(2));
