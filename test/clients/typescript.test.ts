/**
 * The TypeScript compiler builds a project that lies in a mount through a `ts.System` over `mount.fs`:
 * configuration, resolution, type checking, emit, and an incremental build after a change.
 *
 * A `ts.System` is what the compiler written in JavaScript takes; the native one has none.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript-5";
import { describe, expect, it } from "vitest";
import type { NodeFs } from "../../src/vfs/node-fs.ts";
import { type Files, inTurn, type Side, treeOf } from "./sides.ts";

const LIBRARY = dirname(fileURLToPath(import.meta.resolve("typescript-5")));

/** The declarations of the language, where the project would have them. */
const declarations = Object.fromEntries(
  readdirSync(LIBRARY)
    .filter((name) => /^lib\.(es|decorators)/.test(name))
    .map((name) => [`node_modules/typescript/lib/${name}`, readFileSync(join(LIBRARY, name))]),
);

const PROJECT: Files = {
  ...declarations,
  "tsconfig.json": `{
    // Comments are allowed here.
    "extends": "./tsconfig.base.json",
    "compilerOptions": { "outDir": "dist", "rootDir": "src", "tsBuildInfoFile": "dist/.tsbuildinfo" },
    "include": ["src/**/*"],
    "exclude": ["src/**/*.test.ts"]
  }`,
  "tsconfig.base.json": JSON.stringify({
    compilerOptions: {
      target: "es2022",
      module: "nodenext",
      lib: ["es2022"],
      strict: true,
      incremental: true,
      declaration: true,
      declarationMap: true,
      sourceMap: true,
      types: ["globals"],
    },
  }),
  "package.json": '{ "name": "shop", "type": "module", "imports": { "#money": "./src/money.ts" } }',
  "src/index.ts": `
    import type { Tagged } from "tagged";
    import { tag } from "tagged";
    import { type Money, sum } from "./money.js";
    export const total = (list: readonly Money[]): Tagged<Money, "total"> => tag(sum(list), "total");
    export const where: string = PLACE;
  `,
  "src/money.ts": `
    export interface Money { readonly amount: number; readonly currency: string }
    export const sum = (list: readonly Money[]): Money =>
      list.reduce((a, b) => ({ ...a, amount: a.amount + b.amount }));
  `,
  "src/deep/er/größe.mts": "export const größe = [1n, 2n].at(-1);\n",
  "src/index.test.ts": "this is not looked at\n",
  "node_modules/tagged": { link: "../packages/tagged" },
  "packages/tagged/package.json": JSON.stringify({
    name: "tagged",
    type: "module",
    exports: { ".": { types: "./index.d.ts", default: "./index.js" } },
  }),
  "packages/tagged/index.d.ts": `
    export type Tagged<T, Name extends string> = T & { readonly tag: Name };
    export declare function tag<T, Name extends string>(value: T, name: Name): Tagged<T, Name>;
  `,
  "node_modules/@types/globals/package.json": '{ "name": "@types/globals", "types": "index.d.ts" }',
  "node_modules/@types/globals/index.d.ts": "declare const PLACE: string;\n",
};

/** What is in a directory, or leads from it, by kind. */
function entriesOf(fs: NodeFs, path: string) {
  const files: string[] = [];
  const directories: string[] = [];
  for (const name of fs.existsSync(path) ? fs.readdirSync(path) : []) {
    const stats = fs.statSync(join(path, name), { throwIfNoEntry: false });
    if (stats?.isFile()) files.push(name);
    if (stats?.isDirectory()) directories.push(name);
  }
  return { files, directories };
}

/** What the compiler asks of a machine, answered by an `fs`. */
function systemOf({ fs, root }: Side, written: string[]): ts.System {
  const statOf = (path: string) => fs.statSync(path, { throwIfNoEntry: false });
  const system: ts.System = {
    args: [],
    newLine: "\n",
    useCaseSensitiveFileNames: true,
    write: (text) => void written.push(text),
    readFile: (path) => (statOf(path)?.isFile() ? fs.readFileSync(path, "utf8") : undefined),
    getFileSize: (path) => statOf(path)?.size ?? 0,
    writeFile: (path, data) => fs.writeFileSync(path, data),
    resolvePath: (path) => join(root, path),
    fileExists: (path) => statOf(path)?.isFile() ?? false,
    directoryExists: (path) => statOf(path)?.isDirectory() ?? false,
    createDirectory: (path) => fs.mkdirSync(path),
    getExecutingFilePath: () => join(root, "node_modules/typescript/lib/tsc.js"),
    getCurrentDirectory: () => root,
    getDirectories: (path) => entriesOf(fs, path).directories,
    readDirectory: (path, extensions, exclude, include, depth) =>
      matchFiles(
        path,
        extensions,
        exclude,
        include,
        true,
        root,
        depth,
        (at) => entriesOf(fs, at),
        system.realpath!,
      ),
    getModifiedTime: (path) => statOf(path)?.mtime,
    setModifiedTime: (path, time) => fs.utimesSync(path, time, time),
    deleteFile: (path) => fs.unlinkSync(path),
    realpath: (path) => fs.realpathSync(path),
    exit: (code) => {
      throw new Error(`exit ${code}`);
    },
  };
  return system;
}

/** How the compiler's own systems read directories; exported, though not declared. */
const { matchFiles } = ts as unknown as {
  matchFiles(
    path: string,
    extensions: readonly string[] | undefined,
    excludes: readonly string[] | undefined,
    includes: readonly string[] | undefined,
    caseSensitive: boolean,
    cwd: string,
    depth: number | undefined,
    entries: (path: string) => { files: readonly string[]; directories: readonly string[] },
    realpath: (path: string) => string,
  ): string[];
};

/** A run of `tsc -p`. */
function build(side: Side) {
  const written: string[] = [];
  const system = systemOf(side, written);
  const host = { ...system, onUnRecoverableConfigFileDiagnostic: () => {} };
  const config = ts.getParsedCommandLineOfConfigFile(join(side.root, "tsconfig.json"), {}, host)!;
  const program = ts.createIncrementalProgram({
    rootNames: config.fileNames,
    options: config.options,
    host: ts.createIncrementalCompilerHost(config.options, system),
  });
  const checked: string[] = [];
  const diagnostics = [
    ...config.errors,
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
  ];
  for (;;) {
    const next = program.getSemanticDiagnosticsOfNextAffectedFile();
    if (next === undefined) break;
    if ("fileName" in next.affected) checked.push(next.affected.fileName);
    diagnostics.push(...next.result);
  }
  const { emitSkipped } = program.emit();
  const formatted = ts.formatDiagnostics(diagnostics, {
    getCurrentDirectory: system.getCurrentDirectory,
    getCanonicalFileName: (name) => name,
    getNewLine: () => "\n",
  });
  const files = program.getSourceFiles().map(({ fileName }) => fileName);
  return { formatted, files, checked: checked.sort(), emitSkipped, written };
}

describe("the TypeScript compiler", () => {
  it("builds through a ts.System as on disk, and incrementally after a change", async () => {
    const { onDisk, onMount } = await inTurn(PROJECT, (side) => {
      const { fs, root } = side;
      const first = build(side);
      expect(first.formatted).toBe("");
      const output = treeOf(side, join(root, "dist"));
      expect(Object.keys(output)).toEqual(
        expect.arrayContaining(["index.js", "index.d.ts.map", "deep/er/größe.mjs", ".tsbuildinfo"]),
      );
      const again = build(side);
      expect(again.checked).toEqual([]);

      fs.appendFileSync(join(root, "src/money.ts"), "export const free: Money = { amount: '0' };\n");
      const broken = build(side);
      expect(broken.formatted).toContain("src/money.ts(5,32): error TS2322");
      expect(broken.checked.map((path) => path.replace(/.*src\//, ""))).toEqual(["index.ts", "money.ts"]);
      fs.rmSync(join(root, "node_modules/tagged"));
      const missing = build(side);
      expect(missing.formatted).toContain("Cannot find module 'tagged'");
      return { first, output, again, broken, missing, outputAfter: treeOf(side, join(root, "dist")) };
    });
    expect(onMount).toEqual(onDisk);
  });
});
