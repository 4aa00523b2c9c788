/**
 * The command line as one program that Node runs as it is, for tests that start processes. Built from the
 * sources, so that it needs no `dist`.
 */
import { cpSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Bundles a program of the repository into a directory, which is to be new.
 * @param input its path from the repository's root
 * @returns the path of the program
 */
export async function bundleProgram(directory: string, input = "src/cli/main.ts"): Promise<string> {
  mkdirSync(join(directory, "dist/cli"), { recursive: true });
  cpSync(join(repository, "package.json"), join(directory, "package.json"));
  // Packages with native code cannot be bundled, and are found from here.
  symlinkSync(join(repository, "node_modules"), join(directory, "node_modules"));
  const manifest = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
  const bundle = await rolldown({
    input: join(repository, input),
    cwd: repository,
    platform: "node",
    transform: { target: "node20.19" },
    external: ["lmdb", ...Object.keys(manifest.peerDependencies ?? {})],
    resolve: { alias: { "#platform": join(repository, "src/platform/node.ts") } },
  });
  await bundle.write({ dir: join(directory, "dist/cli"), format: "esm", entryFileNames: "main.js" });
  await bundle.close();
  return join(directory, "dist/cli/main.js");
}
