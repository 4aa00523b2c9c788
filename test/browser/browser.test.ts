/**
 * The browser entry in a browser: the built package, bundled as an application would, in headless
 * Chromium. What it makes of the same layers and the same work must be what Node makes of them, byte for
 * byte. Time and memory that it took are printed.
 */
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { imagePath, needs } from "../requirements.ts";
import type { Engine, work as Work } from "./work.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const WORK = fileURLToPath(new URL("work.ts", import.meta.url));
const BUILT = join(ROOT, "dist/browser.js");

const fixture = (name: string) => readFileSync(join(ROOT, "fixtures/tar", name));

interface Descriptor {
  readonly digest: string;
  readonly mediaType: string;
}

/** The layers of the first image of an OCI layout, as stored. */
function layersOf(layout: string): Uint8Array[] {
  const blob = ({ digest }: Descriptor) => readFileSync(join(layout, "blobs", digest.replace(":", "/")));
  const { manifests } = JSON.parse(readFileSync(join(layout, "index.json"), "utf8")) as {
    manifests: Descriptor[];
  };
  const { layers } = JSON.parse(blob(manifests[0]!).toString()) as { layers: Descriptor[] };
  return layers.map(blob);
}

/** The entry with the work on it, in one file without a `node:` module. */
async function bundled(): Promise<string> {
  const entry = "\0page";
  const bundle = await rolldown({
    input: entry,
    cwd: ROOT,
    platform: "browser",
    plugins: [
      {
        name: "page",
        resolveId: (source) => (source === entry ? entry : null),
        load: (id) =>
          id === entry
            ? `import * as engine from ${JSON.stringify(BUILT)};
               import { work } from ${JSON.stringify(WORK)};
               globalThis.engine = engine;
               globalThis.work = work;`
            : null,
      },
    ],
  });
  const { output } = await bundle.generate({ format: "iife", codeSplitting: false });
  await bundle.close();
  return output[0].code;
}

/** What a page can see of itself. */
interface Report {
  readonly result: Awaited<ReturnType<typeof Work>>;
  readonly milliseconds: number;
  readonly heap: number;
}

/** Runs in the page. */
async function runInPage(count: number): Promise<Report> {
  const page = globalThis as unknown as { engine: Engine; work: typeof Work };
  const blobs: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    blobs.push(new Uint8Array(await (await fetch(`/layers/${i}`)).arrayBuffer()));
  }
  const start = performance.now();
  const result = await page.work(page.engine, blobs);
  const { memory } = performance as unknown as { memory: { usedJSHeapSize: number } };
  return { result, milliseconds: performance.now() - start, heap: memory.usedJSHeapSize };
}

const missing = needs.tool("chromium", "chromium");

describe.skipIf(missing)("in Chromium", () => {
  let browser: Browser;
  let code: string;
  let blobs: readonly Uint8Array[] = [];
  const server = createServer((request, response) => {
    const [, what, number] = request.url!.split("/");
    if (what === "layers") response.end(blobs[Number(number)]);
    else if (what === "engine.js")
      response.setHeader("content-type", "text/javascript; charset=utf-8").end(code);
    else response.setHeader("content-type", "text/html").end('<script src="/engine.js"></script>');
  });

  beforeAll(async () => {
    if (!existsSync(BUILT)) throw new Error("the package is not built: npm run build");
    code = await bundled();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    browser = await chromium.launch({
      executablePath: "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-dev-shm-usage", "--enable-precise-memory-info"],
    });
  });
  afterAll(async () => {
    await browser?.close();
    server.closeAllConnections();
    server.close();
  });

  async function open(): Promise<Page> {
    const page = await browser.newPage();
    page.on("pageerror", (error) => {
      throw error;
    });
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    return page;
  }

  const cases: [string, () => readonly Uint8Array[], string | undefined][] = [
    ["an image of this repository", () => layersOf(join(ROOT, "fixtures/greeter")), undefined],
    ["gzip of several members", () => [fixture("members.tar.gz")], undefined],
    ["zstd of several frames", () => [fixture("frames.tar.zst")], undefined],
    ["zstd at its highest level", () => [fixture("level-22.tar.zst")], undefined],
    ["a plain archive with extended attributes", () => [fixture("gnu-xattr.tar")], undefined],
    ["busybox", () => layersOf(imagePath("busybox")), needs.image("busybox")],
  ];
  for (const [name, layers, absent] of cases) {
    it.skipIf(absent)(`${name}: load, mount, write, diff, layer, as on Node`, async () => {
      blobs = layers();
      const engine = (await import(pathToFileURL(BUILT).href)) as Engine;
      const { work } = await import("./work.ts");
      const onNode = await work(engine, blobs);
      expect(onNode.merged).toBe(true);
      expect(onNode.readAgain).toBe(onNode.diffID);

      const page = await open();
      const { result, milliseconds, heap } = await page.evaluate(runInPage, blobs.length);
      await page.close();
      expect(result).toEqual(onNode);
      process.stderr.write(
        `Chromium, ${name}: ${milliseconds.toFixed(0)} ms, ${(heap / 2 ** 20).toFixed(1)} MiB of heap\n`,
      );
    });
  }

  it("refuses trailing garbage after gzip, and streams, which a browser has not", async () => {
    blobs = [Buffer.concat([fixture("members.tar.gz"), Buffer.from("garbage")])];
    const page = await open();
    const told = await page.evaluate(async () => {
      const { engine } = globalThis as unknown as { engine: Engine };
      const bytes = new Uint8Array(await (await fetch("/layers/0")).arrayBuffer());
      const trailing = await engine.layerFromBytes(bytes).catch((error: Error) => error.message);
      const fs = engine.createFs(engine.createMount(engine.applyLayers([])));
      let stream: unknown;
      try {
        stream = fs.createReadStream("/x");
      } catch (error) {
        stream = (error as NodeJS.ErrnoException).code;
      }
      return { trailing, stream };
    });
    await page.close();
    expect(told.trailing).toMatch(/^gzip stream cannot be decompressed: .* \(rule 44\)$/);
    expect(told.stream).toBe("ERR_FEATURE_UNAVAILABLE_ON_PLATFORM");
  });
});
