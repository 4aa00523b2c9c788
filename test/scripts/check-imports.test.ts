import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";

const SCRIPT = fileURLToPath(new URL("../../scripts/check-imports.mjs", import.meta.url));
const made: string[] = [];

afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true });
});

async function check(files: Record<string, string>): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), "check-imports-"));
  made.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, "src", path)), { recursive: true });
    writeFileSync(join(root, "src", path), text);
  }
  try {
    return (await promisify(execFile)(process.execPath, [SCRIPT, root])).stdout;
  } catch (error) {
    return (error as { stderr: string }).stderr;
  }
}

const REFUSED: readonly [what: string, path: string, text: string, message: string][] = [
  ["a folder above", "tree/a.ts", `import { b } from "../union/b.ts";`, "tree may import posix"],
  [
    "a type from a folder above",
    "posix/a.ts",
    `import type { B } from "../tree/b.ts";`,
    "posix may import nothing",
  ],
  ["a type in an expression", "posix/a.ts", `export type B = import("../tree/b.ts").B;`, "posix may import"],
  ["a re-export", "tar/a.ts", `export * from "../layer/b.ts";`, "tar may import posix, tree"],
  ["an import()", "union/a.ts", `export const b = () => import("../layer/b.ts");`, "union may import"],
  ["more of oci than its digests", "layer/a.ts", `import "../oci/manifest.ts";`, "oci/digest"],
  ["a module by its URL", "tree/a.ts", `new URL("../store/b.ts", import.meta.url);`, "tree may import"],
  ["an expression", "cli/a.ts", `export const b = (name: string) => import(name);`, "by an expression"],
  ["Node below store", "union/a.ts", `import { open } from "node:fs";`, "only through #platform"],
  ["Node without its prefix", "tar/a.ts", `import { open } from "fs";`, "only through #platform"],
  [
    "a type of Node below store",
    "vfs/a.ts",
    `import type { Stats } from "node:fs";`,
    "only through #platform",
  ],
  ["one platform's module", "tar/a.ts", `import { platform } from "../platform/node.ts";`, "#platform"],
  ["the public face", "cli/a.ts", `import { Store } from "../index.ts";`, "import the module itself"],
  ["the package by its name", "cli/a.ts", `import { Store } from "stratafs";`, "import the module itself"],
  ["what lies outside src", "cli/a.ts", `import "../../test/a.ts";`, "outside src"],
  [
    "the runtime in the language of Dockerfiles",
    "build/dockerfile/a.ts",
    `import "../../runtime/b.ts";`,
    "build/dockerfile may import posix, oci",
  ],
  [
    "the rest of build in it",
    "build/dockerfile/a.ts",
    `import "../stages.ts";`,
    "build/dockerfile may import",
  ],
  ["more of build than the language", "runtime/a.ts", `import "../build/stages.ts";`, "runtime may import"],
  ["no .ts file", "tree/a.ts", `import "../posix/errno.js";`, "names the .ts file"],
];

describe("the check of the imports' direction", () => {
  it.each(REFUSED)("refuses %s", async (_what, path, text, message) => {
    const output = await check({ [path]: `\n${text}` });
    expect(output).toContain(`src/${path}:2 `);
    expect(output).toContain(message);
  });

  it("refuses a folder that the map does not have, and code in the public face", async () => {
    expect(await check({ "helpers/a.ts": "" })).toContain("a folder that the map does not have");
    expect(await check({ "index.ts": `import "./a.ts";` })).toContain("re-exports only");
  });

  it("accepts what the map allows, and what only looks like an import", async () => {
    const output = await check({
      "posix/a.ts": `// import "../union/b.ts";\nexport const text = 'import "../union/b.ts"';`,
      "layer/a.ts": `import "../oci/digest.ts";\nimport "../posix/a.ts";\nimport type { P } from "../platform/types.ts";`,
      "store/a.ts": `import "node:fs";\nimport { platform } from "#platform";`,
      "cli/a.ts": `export const run = () => import("../runtime/a.ts");`,
    });
    expect(output).toBe("imports: 4 modules, 0 violations\n");
  });

  it("refuses a node: module in the engine's browser bundle", async () => {
    const output = await check({
      "platform/browser.ts": `import "node:crypto";\nexport const platform = {};`,
      "posix/a.ts": `export { platform } from "#platform";`,
    });
    expect(output).toContain(`src/platform/browser.ts imports "node:crypto" in a browser bundle`);
  });
});
