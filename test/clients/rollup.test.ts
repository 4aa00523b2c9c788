/**
 * rollup bundles a project that lies in a mount, through its `fs` option and nothing else.
 */
import { dirname, join } from "node:path";
import { type Plugin, type RollupFsModule, rollup } from "rollup";
import { describe, expect, it } from "vitest";
import { type Files, inTurn, type Side, treeOf } from "./sides.ts";

const PROJECT: Files = {
  "src/main.js": `
    import { circle } from "./shapes";
    import { area } from "geometry";
    export { default as square } from "./shapes/square.js";
    export const describe = async () => area(circle(2)) + (await import("./lazy.js")).text;
  `,
  "src/admin.js": 'import { circle } from "./shapes";\nexport const admin = circle(1);\n',
  "src/shapes/index.js": "export const circle = (r) => ({ r });\nexport const dropped = 1;\n",
  "src/shapes/square.js": "export default (side) => side * side;\n",
  "src/lazy.js": "export const text = 'größe';\n",
  "node_modules/geometry": { link: "../packages/geometry" },
  "packages/geometry/package.json": '{ "name": "geometry", "module": "area.js" }',
  "packages/geometry/area.js": "export const area = ({ r }) => Math.PI * r * r;\n",
};

/** Node's resolution, as far as the project needs it, with what rollup hands to plugins. */
const resolution: Plugin = {
  name: "resolution",
  async resolveId(source, importer) {
    if (importer === undefined) return null;
    const { fs } = this;
    if (!source.startsWith(".")) {
      const base = await fs.realpath(join(dirname(importer), "../node_modules", source));
      const manifest = await fs.readFile(join(base, "package.json"), { encoding: "utf8" });
      return join(base, (JSON.parse(manifest) as { module: string }).module);
    }
    const path = join(dirname(importer), source);
    return (await fs.stat(path)).isDirectory() ? join(path, "index.js") : path;
  },
};

async function bundle(side: Side) {
  const { fs, root } = side;
  const made = await rollup({
    input: [join(root, "src/main.js"), join(root, "src/admin.js")],
    fs: fs.promises as unknown as RollupFsModule,
    plugins: [resolution],
  });
  const { output } = await made.write({
    dir: join(root, "dist"),
    sourcemap: true,
    entryFileNames: "[name].[hash].mjs",
    chunkFileNames: "chunks/[name].[hash].mjs",
  });
  await made.close();
  return {
    names: output.map(({ fileName }) => fileName),
    watched: [...made.watchFiles].sort(),
    tree: treeOf(side),
  };
}

describe("rollup", () => {
  it("writes the bundle that it writes on disk", async () => {
    const { onDisk, onMount } = await inTurn(PROJECT, bundle);
    expect(onDisk.names.length).toBeGreaterThan(6);
    expect(onDisk.names.some((name) => name.startsWith("chunks/lazy."))).toBe(true);
    expect(onMount).toEqual(onDisk);
  });

  it("says what is missing as it does on disk", async () => {
    const { onDisk, onMount } = await inTurn(PROJECT, async ({ fs, root }) => {
      fs.rmSync(join(root, "packages"), { recursive: true });
      const input = join(root, "src/main.js");
      const made = rollup({ input, fs: fs.promises as unknown as RollupFsModule, plugins: [resolution] });
      return made.then(
        () => "no error",
        (error: Error) => error.message,
      );
    });
    expect(onDisk).toContain("ENOENT");
    expect(onMount).toBe(onDisk);
  });
});
