/**
 * The programs in `examples/` run as a reader would run them: on the built package, by its name.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const temporary = mkdtempSync(join(tmpdir(), "examples-"));

async function example(name: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(ROOT, "examples", name), ...args]);
  return stdout;
}

describe("examples", () => {
  beforeAll(() => {
    if (!existsSync(join(ROOT, "dist/index.js"))) throw new Error("the package is not built: npm run build");
  });
  afterAll(() => rmSync(temporary, { recursive: true }));

  it("main-job: load, change, diff, commit, history", async () => {
    const output = await example("main-job.mjs");
    for (const line of ["C /etc/motd", "D /usr/share/greetings/de.txt", "A /home/ada/letter.txt"]) {
      expect(output.split("\n")).toContain(line);
    }
    expect(output).toContain("EACCES");
    expect(output).toContain("4 layers");
    expect(output).toContain('mounted anew, says: "Changed in a container.\\n"');
  });

  it("diff-to-layer: the layer's whiteout is in the tar, and no unchanged file", async () => {
    const path = join(temporary, "changes.tar");
    const output = await example("diff-to-layer.mjs", path);
    expect(output).toContain("written again: the same digest");
    const archive = readFileSync(path, "latin1");
    expect(archive).toContain("usr/share/greetings/.wh.de.txt");
    expect(archive).not.toContain("etc/passwd");
  });

  it("build: an image of two stages; the second time every step is cached", async () => {
    expect((await example("build.mjs")).split("\n")).toEqual([
      "first: greetings:1 of 1 layer, 0 steps cached",
      "second: greetings:1 of 1 layer, 4 steps cached",
      "Hello! Hola!",
      "{ 'org.opencontainers.image.version': '2' }",
      "",
    ]);
  });

  it("lookup-depth: finds the path under 128 layers", async () => {
    expect(await example("lookup-depth.mjs")).toMatch(/^ +128 +\d+ +\d+ +\d+\.\d\d$/m);
  });

  it("container-writes: what each program changed, and that the image did not", async () => {
    const lines = (await example("container-writes.mjs")).split("\n");
    expect(lines).toEqual(
      expect.arrayContaining([
        "added     /var/log/greeter.log",
        "modified  /home/ada/diary.txt",
        "refused   EACCES: permission denied, open '/etc/passwd'",
        "no change",
        "0 changes, /var/log: greet",
      ]),
    );
  });

  it("property-test: the rule holds, with calls that change something", async () => {
    const output = await example("property-test.mjs", "60");
    expect(output).toContain("the rule held in 60 runs");
    expect(output).toMatch(/^ +\d{2,} changes in \d+ layers$/m);
  });

  it("agent-session: two attempts rolled back, one committed", async () => {
    const lines = (await example("agent-session.mjs")).split("\n");
    expect(lines).toEqual(
      expect.arrayContaining([
        "rolled back: /etc is none of its business",
        "rolled back: exit status 1",
        "  added     /usr/share/greetings/fr.txt",
        "committed: greeter:2.0, 4 layers",
        "removed: true, changes: 2",
        "restored, changes: 0",
      ]),
    );
  });
});
