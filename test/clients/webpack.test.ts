/**
 * webpack compiles a project that lies in a mount: input, output and the cache between two runs go
 * through `mount.fs`, and what comes out is what it makes of the same project on disk.
 */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Compiler, type Configuration, type Stats, webpack } from "webpack";
import type { NodeFs } from "../../src/vfs/node-fs.ts";
import { type Files, inTurn, type Side, treeOf } from "./sides.ts";

const PROJECT: Files = {
  "package.json": JSON.stringify({ name: "shop", version: "1.0.0", sideEffects: false }),
  "src/index.js": `
    import { price } from "./price.js";
    import { format } from "money";
    import { shared } from "@shop/shared";
    import rates from "./rates.json";
    import banner from "./banner.txt";
    const common = require("./legacy");
    export const show = (amount) => banner + format(price(amount, rates.EUR)) + shared + common.name;
    export const later = () => import("./later.js").then(({ report }) => report(amounts));
    const amounts = [1, 2, 3];
  `,
  "src/price.js": "export const price = (n, rate) => n * rate;\nexport const unused = 'left out';\n",
  "src/rates.json": '{ "EUR": 2, "HUF": 400 }',
  "src/banner.txt": "= shop =\n",
  "src/later.js": "export const report = (list) => list.map((n) => n + 1).join();\n",
  "src/legacy/index.js": "exports.name = __filename + require('./inner').inner;\n",
  "src/legacy/inner.js": "exports.inner = 'inner';\n",
  "src/logo.svg": "<svg/>",
  "node_modules/money/package.json": JSON.stringify({
    name: "money",
    version: "2.0.0",
    exports: { ".": { import: "./esm/index.mjs", require: "./cjs/index.js" } },
  }),
  "node_modules/money/esm/index.mjs": "import p from 'pad'; export const format = (n) => p('€ ' + n);\n",
  "node_modules/money/cjs/index.js": "throw new Error('the wrong one');\n",
  "node_modules/money/node_modules/pad/package.json": JSON.stringify({ name: "pad", main: "lib/pad" }),
  "node_modules/money/node_modules/pad/lib/pad.js": "module.exports = (text) => text.padStart(8);\n",
  "node_modules/@shop/shared": { link: "../../packages/shared" },
  "packages/shared/package.json": JSON.stringify({ name: "@shop/shared", module: "shared.js" }),
  "packages/shared/shared.js": "export const shared = 'linked from the workspace';\n",
};

function configuration(root: string): Configuration {
  return {
    mode: "production",
    context: root,
    entry: { main: "./src/index.js", page: ["./src/price.js", "./src/logo.svg"] },
    output: {
      path: join(root, "dist"),
      filename: "[name].[contenthash].js",
      library: { type: "commonjs2" },
      // Unless given, webpack reads it out of package.json on disk, whatever its file systems are.
      uniqueName: "shop",
      clean: true,
    },
    target: "node",
    devtool: "source-map",
    optimization: { minimize: false, splitChunks: { chunks: "all", minSize: 0 } },
    module: {
      rules: [
        { test: /\.txt$/, type: "asset/source" },
        { test: /\.svg$/, type: "asset/resource" },
      ],
    },
    cache: {
      type: "filesystem",
      cacheDirectory: join(root, ".cache"),
      idleTimeoutForInitialStore: 0,
      // Unless told otherwise the cache depends on webpack itself, which is not in the mount.
      buildDependencies: { defaultWebpack: [], config: [join(root, "package.json")] },
    },
    infrastructureLogging: { level: "warn" },
  };
}

/** Gives a compiler its file systems, early enough for the cache, which keeps the one it finds. */
function fileSystems(fs: NodeFs) {
  return {
    apply(compiler: Compiler): void {
      compiler.inputFileSystem = fs as NonNullable<Compiler["inputFileSystem"]>;
      compiler.outputFileSystem = fs as NonNullable<Compiler["outputFileSystem"]>;
      compiler.intermediateFileSystem = fs as NonNullable<Compiler["intermediateFileSystem"]>;
    },
  };
}

/** One run of the compiler, from nothing but the files and the cache in them. */
async function compile({ fs, root }: Side): Promise<Stats> {
  const compiler = webpack({ ...configuration(root), plugins: [fileSystems(fs)] })!;
  const stats = await new Promise<Stats>((resolve, reject) => {
    compiler.run((error, result) => (error ? reject(error) : resolve(result!)));
  });
  await new Promise<void>((resolve, reject) => {
    compiler.close((error) => (error ? reject(error) : resolve()));
  });
  return stats;
}

function summary(stats: Stats) {
  const { errors, warnings, modules, assets, hash } = stats.toJson({
    all: false,
    errors: true,
    warnings: true,
    modules: true,
    nestedModules: true,
    cachedModules: true,
    assets: true,
    cachedAssets: true,
    hash: true,
  });
  return {
    hash,
    errors: errors?.map(({ message }) => message),
    warnings: warnings?.map(({ message }) => message),
    modules: modules
      // The rest are groups of what is hidden.
      ?.filter(({ name }) => name !== undefined)
      .map(({ name, built, cached, size }) => `${name} ${size} ${built} ${cached}`)
      .sort(),
    assets: assets?.map(({ name, size, emitted }) => `${name} ${size} ${emitted}`).sort(),
  };
}

describe("webpack", () => {
  it("compiles, and again out of its cache, with the output it has on disk", async () => {
    const { onDisk, onMount } = await inTurn(PROJECT, async (side) => {
      const { fs, root } = side;
      const first = summary(await compile(side));
      expect(first.errors).toEqual([]);
      expect(first.modules?.length).toBe(8);
      const output = treeOf(side, join(root, "dist"));
      expect(fs.existsSync(join(root, ".cache"))).toBe(true);

      const untouched = summary(await compile(side));
      expect(untouched.modules?.every((line) => line.endsWith("false true"))).toBe(true);
      expect(untouched.hash).toBe(first.hash);

      fs.writeFileSync(join(root, "src/later.js"), "export const report = () => 'another';\n");
      fs.rmSync(join(root, "src/legacy/inner.js"));
      fs.mkdirSync(join(root, "src/legacy/inner"));
      fs.writeFileSync(join(root, "src/legacy/inner/index.js"), "exports.inner = 'a directory now';\n");
      const changed = summary(await compile(side));
      expect(changed.errors).toEqual([]);
      expect(changed.modules?.filter((line) => line.includes(" true false")).length).toBe(2);
      const outputAfter = treeOf(side, join(root, "dist"));

      fs.unlinkSync(join(root, "src/rates.json"));
      expect(summary(await compile(side)).errors?.join()).toContain("Can't resolve './rates.json'");
      return { first, output, untouched, changed, outputAfter };
    });
    expect(onMount).toEqual(onDisk);
  });
});
