#!/usr/bin/env node
/** Runs the kernel oracle from the command line: `npm run oracle -- --sequences 200000 --seed 7`. */
import { bundleProgram } from "./bundle.mjs";

await import(await bundleProgram("test/oracle/main.ts"));
