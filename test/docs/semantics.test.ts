/**
 * The record of differences is true of the tests: what it names is there, and what is there it names.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { DIFFERENCES } from "../oracle/differences.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string) => readFileSync(ROOT + path, "utf8");

/** Markdown without the breaks of its lines. */
const RECORD = read("docs/semantics.md").replace(/\n(?=\S)/g, " ");
/** Where a test is named: its file, and its title or how it begins. */
const NAMED = [...RECORD.matchAll(/`(test\/[^`]+\.ts)`: \*(.+?)\*(?=[ ,).;|]|$)/g)].map(
  ([, path = "", title = ""]) => ({ path, title }),
);

describe("docs/semantics.md", () => {
  test("names tests", () => {
    expect(NAMED.length).toBeGreaterThan(20);
    const paths = RECORD.match(/`test\/[^`]+\.test\.ts`/g) ?? [];
    expect(NAMED).toHaveLength(paths.length);
  });

  test.each(NAMED)("$path has a test $title", ({ path, title }) => {
    expect(existsSync(ROOT + path)).toBe(true);
    expect(read(path).includes(`"${title}"`)).toBe(true);
  });

  test.each(Object.keys(DIFFERENCES))("names the difference %s, and where it is asserted", (name) => {
    expect(RECORD).toContain(`| *${name}*: `);
    expect(
      NAMED.some((one) => one.path === "test/oracle/differences.test.ts" && one.title.startsWith(name)),
    ).toBe(true);
  });

  test("names everything that is kept out of random sequences", () => {
    const source = read("test/oracle/differences.test.ts");
    const keptOut = source.slice(source.indexOf("const KEPT_OUT"), source.indexOf("describe.skipIf"));
    const titles = [...keptOut.matchAll(/name: "([^"]+: [^"]+)"/g)].map(([, title = ""]) => title);
    expect(titles.length).toBeGreaterThan(5);
    const deliberate = titles.filter((title) => !title.includes("overlayfs does as ours does"));
    for (const title of deliberate) expect(NAMED.map((one) => one.title)).toContain(title);
  });
});
