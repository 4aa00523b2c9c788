/**
 * Bundles a program that is written in TypeScript over the sources of the engine, and its tests, into
 * one file that Node runs as it is. The file goes with the process that made it.
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * @param {string} input path of the program from the root of the repository
 * @returns {Promise<URL>} where the bundle is
 */
export async function bundleProgram(input) {
  const bundle = await rolldown({
    input: join(root, input),
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
  // Below node_modules, so that the bundle finds what it imports.
  const name = input.replaceAll("/", "-").replace(/\.ts$/, `-${process.pid}.mjs`);
  const file = join(root, "node_modules/.cache/stratafs", name);
  await bundle.write({ file, format: "esm", codeSplitting: false });
  await bundle.close();
  process.on("exit", () => rmSync(file, { force: true }));
  return pathToFileURL(file);
}
