/**
 * Completion: what is offered, and the scripts in the shells that they are for.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Store } from "../../src/runtime/store.ts";
import { needs } from "../requirements.ts";
import { layoutOf, makeImage } from "../store/images.ts";
import { scratch } from "../store/scratch.ts";
import { bundleProgram } from "./bundle.ts";
import { strata } from "./strata.ts";

let root: string;
let work: string;

beforeAll(async () => {
  root = scratch(true);
  work = scratch(true);
  const store = await Store.open(root, { env: {} });
  const [image] = await store.load(layoutOf(join(work, "layout"), await makeImage([{ a: "1" }])), {
    name: "busy/box:1.36",
  });
  const container = await store.containers.create(image!, { name: "work" });
  await container.snapshot("before");
  await store.containers.create(image!, { name: "worn" });
  await store.close();
});

afterAll(() => {
  for (const directory of [root, work]) rmSync(directory, { recursive: true, force: true });
});

async function offered(...words: string[]): Promise<string[]> {
  const { stdout, stderr, code } = await strata(["__complete", ...words], { root });
  expect([stderr, code]).toEqual(["", 0]);
  return stdout.split("\n").flatMap((line) => (line === "" ? [] : [line.split("\t")[0]!]));
}

test.each([
  [["com"], ["commit", "completion"]],
  [["image", "h"], ["history"]],
  [["--root", "/nowhere", "container", "pr"], ["prune"]],
  [["run", ""], ["busy/box:1.36"]],
  [["run", "--rm", "--name", "x", "bu"], ["busy/box:1.36"]],
  [["run", "--name", ""], []],
  [["run", "busy/box:1.36", ""], []],
  [
    ["exec", "wo"],
    ["work", "worn"],
  ],
  [
    ["inspect", ""],
    ["work", "worn", "busy/box:1.36"],
  ],
  [
    ["rm", "work", "wor"],
    ["work", "worn"],
  ],
  [["restore", "work", ""], ["before"]],
  [["diff", "--h"], ["--help"]],
  [["ps", "--no"], ["--no-trunc"]],
  [["completion", "z"], ["zsh"]],
])("%j is completed with %j", async (words, expected) => {
  expect((await offered(...words)).sort()).toEqual([...expected].sort());
});

test("commands that only say why they are not there are not offered", async () => {
  const commands = await offered("");
  expect(commands).toContain("snapshot");
  expect(commands).not.toContain("logs");
  expect(commands).not.toContain("__complete");
});

describe("the scripts", () => {
  let environment: NodeJS.ProcessEnv;

  beforeAll(async () => {
    const main = await bundleProgram(join(work, "bundle"));
    const command = join(work, "strata");
    writeFileSync(command, `#!/bin/sh\nexec ${process.execPath} ${main} "$@"\n`);
    chmodSync(command, 0o755);
    environment = { ...process.env, STRATAFS_ROOT: root, PATH: `${work}${delimiter}${process.env.PATH}` };
    for (const shell of ["bash", "zsh", "fish"]) {
      writeFileSync(join(work, shell), (await strata(["completion", shell], { root })).stdout);
    }
  });

  const inShell = (shell: string, ...args: string[]) =>
    execFileSync(shell, args, { env: environment, encoding: "utf8" })
      .split("\n")
      .filter((line) => line !== "");

  /** What bash puts in place of the last word, given how readline cuts the line into words. */
  function bash(line: string, ...words: string[]): string[] {
    const quoted = words.map((word) => `'${word}'`).join(" ");
    const script = `. ${join(work, "bash")}
      COMP_LINE='${line}' COMP_POINT=${line.length} COMP_WORDS=(${quoted}) COMP_CWORD=${words.length - 1}
      _strata && printf '%s\\n' "\${COMPREPLY[@]}"`;
    return inShell("bash", "--norc", "-c", script);
  }

  test.each([
    ["strata sna", ["strata", "sna"], ["snapshot"]],
    ["strata exec ", ["strata", "exec", ""], ["work", "worn"]],
    ["strata run busy", ["strata", "run", "busy"], ["busy/box:1.36"]],
    // readline makes words of their own of colons.
    ["strata run busy/box:", ["strata", "run", "busy/box", ":"], ["1.36"]],
    ["strata run busy/box:1", ["strata", "run", "busy/box", ":", "1"], ["1.36"]],
    ["strata run --nam", ["strata", "run", "--nam"], ["--name"]],
  ])("bash: %j", (line, words, expected) => {
    expect(bash(line, ...words).sort()).toEqual(expected);
  });

  test("bash takes the script as its own, and finds the function", () => {
    expect(inShell("bash", "--norc", "-c", `. ${join(work, "bash")}; complete -p strata`)).toEqual([
      "complete -o default -F _strata strata",
    ]);
  });

  test.skipIf(needs.tool("fish", "fish"))("fish", () => {
    const lines = (line: string) =>
      inShell("fish", "--no-config", "-c", `source ${join(work, "fish")}; complete -C '${line}'`);
    expect(lines("strata sna")).toEqual(["snapshot\tKeep moments of a container"]);
    expect(lines("strata run busy/box:").map((found) => found.split("\t")[0])).toContain("busy/box:1.36");
  });

  test.skipIf(needs.tool("zsh", "zsh"))("zsh", () => {
    // The completion system needs a terminal; what the function hands to it does not.
    const script = (words: string, current: number) => `
      compdef() { :; }
      _describe() { print -rl -- "\${(@P)2}"; }
      _files() { print files; }
      source ${join(work, "zsh")}
      words=(${words}) CURRENT=${current}
      _strata`;
    expect(inShell("zsh", "-f", "-c", script("strata sna", 2))).toEqual([
      "snapshot:Keep moments of a container",
    ]);
    expect(inShell("zsh", "-f", "-c", script("strata run busy", 3))).toEqual(["busy/box\\:1.36:image"]);
    expect(inShell("zsh", "-f", "-c", script("strata cat busy/box:1.36 ''", 4))).toEqual(["files"]);
  });
});
