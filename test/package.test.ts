/**
 * The package as users get it: packed, unpacked elsewhere, imported by its name, on Node and bundled
 * for a browser.
 */
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { runInNewContext } from "node:vm";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const temporary = mkdtempSync(join(tmpdir(), "package-"));
const installed = join(temporary, "node_modules/stratafs");

const USE = `
const { createMount, applyLayers, writeLayer, layerFromBytes, applyLayer } = engine;
const mount = createMount(applyLayers([]), { clock: () => 10n ** 18n });
mount.mkdir("/etc");
mount.writeFile("/etc/motd", "hello");
const chunks = [...writeLayer(mount.changes()).chunks()];
const bytes = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
chunks.reduce((at, chunk) => (bytes.set(chunk, at), at + chunk.length), 0);
const layer = await layerFromBytes(bytes);
const again = createMount(applyLayer(applyLayers([]), layer));
const result = layer.diffID + " " + new TextDecoder().decode(again.readFile("/etc/motd"));
`;

async function node(script: string): Promise<string> {
  const args = ["--input-type=module", "--eval", script];
  return (await promisify(execFile)(process.execPath, args, { cwd: temporary })).stdout;
}

describe("the package", () => {
  beforeAll(() => {
    if (!existsSync(join(ROOT, "dist/index.js"))) throw new Error("the package is not built: npm run build");
    const pack = ["pack", "--ignore-scripts", "--silent", "--pack-destination", temporary];
    const name = execFileSync("npm", pack, {
      cwd: ROOT,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    mkdirSync(installed, { recursive: true });
    execFileSync("tar", ["-xzf", join(temporary, name.trim()), "-C", installed, "--strip-components=1"]);
    // Its dependencies, as an installer would put them beside it.
    symlinkSync(join(ROOT, "node_modules"), join(installed, "node_modules"));
  });
  afterAll(() => rmSync(temporary, { recursive: true }));

  it("gives its public API by its name", async () => {
    expect(await node(`import { Store } from "stratafs"; console.log(typeof Store.open);`)).toBe(
      "function\n",
    );
  });

  it("has the command strata, which tells its version", async () => {
    const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
    const command = join(installed, manifest.bin.strata);
    expect(statSync(command).mode & 0o111).toBe(0o111);
    expect(execFileSync(command, ["--version"], { encoding: "utf8" })).toContain(manifest.version);
  });

  it("ships no sources, tests or fixtures", () => {
    for (const path of ["src", "test", "fixtures", "scripts"])
      expect(existsSync(join(installed, path))).toBe(false);
    for (const path of ["dist/index.d.ts", "LICENSE"]) expect(existsSync(join(installed, path))).toBe(true);
  });

  it("runs its engine on Node and, bundled, in a browser with the same result", async () => {
    const onNode = await node(`import * as engine from "stratafs/browser"; ${USE} console.log(result);`);
    expect(onNode).toMatch(/^sha256:[0-9a-f]{64} hello\n$/);

    const entry = "\0use";
    const bundle = await rolldown({
      input: entry,
      cwd: temporary,
      platform: "browser",
      onLog: () => {},
      plugins: [
        {
          name: "use",
          resolveId: (source) => (source === entry ? entry : null),
          load: (id) =>
            id === entry
              ? `import * as engine from ${JSON.stringify(join(installed, "dist/browser.js"))};
                 export const run = async () => { ${USE} return result; };`
              : null,
        },
      ],
    });
    const { output } = await bundle.generate({ format: "iife", name: "bundled", codeSplitting: false });
    await bundle.close();
    const { TextEncoder, TextDecoder, performance, crypto, DecompressionStream, CompressionStream } =
      globalThis;
    const web = { TextEncoder, TextDecoder, performance, crypto, DecompressionStream, CompressionStream };
    const inBrowser = await runInNewContext(`${output[0].code}; bundled.run()`, web);
    expect(`${inBrowser}\n`).toBe(onNode);
  });
});
