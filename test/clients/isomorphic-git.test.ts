/**
 * isomorphic-git keeps a repository in a mount as it does on disk: every object id is the one that real
 * `git` gives the same history, and `git` finds nothing wrong with the repository copied out.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import git from "isomorphic-git";
import { describe, expect, it } from "vitest";
import { needs } from "../requirements.ts";
import { copyOut, type Files, inTurn, onMachine, type Side, scratch, treeOf } from "./sides.ts";

const PROJECT: Files = {
  "README.md": "# Greetings\n",
  "bin/greet": '#!/bin/sh\nexec node "$(dirname "$0")/../src/greet.js" "$@"\n',
  "src/greet.js": 'console.log("hello");\n',
  "src/words/größe.txt": "größe\n",
  "src/words/en.txt": "hello\n",
  "assets/logo.bin": Uint8Array.from({ length: 5000 }, (_, i) => (i * i) % 251),
  "assets/current": { link: "logo.bin" },
  ".gitignore": "*.log\nbuild/\n",
  "debug.log": "not for the repository\n",
  "build/out.js": "not for the repository\n",
};

const author = { name: "Ada", email: "ada@example.org", timestamp: 1_700_000_000, timezoneOffset: 0 };
const who = { author, committer: author };

/** A day's work; what it returns is compared. */
async function work({ fs, root: dir }: Side) {
  const told: unknown[] = [];
  fs.chmodSync(join(dir, "bin/greet"), 0o755);
  await git.init({ fs, dir, defaultBranch: "main" });
  await git.add({ fs, dir, filepath: "." });
  const first = await git.commit({ fs, dir, message: "First", ...who });
  told.push(await git.statusMatrix({ fs, dir }));

  await git.branch({ fs, dir, ref: "polite", checkout: true });
  fs.writeFileSync(join(dir, "src/greet.js"), 'console.log("how do you do");\n');
  fs.renameSync(join(dir, "src/words/en.txt"), join(dir, "src/words/english.txt"));
  fs.mkdirSync(join(dir, "src/words/more/deep"), { recursive: true });
  fs.writeFileSync(join(dir, "src/words/more/deep/fr.txt"), "bonjour\n");
  fs.unlinkSync(join(dir, "assets/current"));
  told.push(await git.status({ fs, dir, filepath: "src/greet.js" }));
  told.push(await git.statusMatrix({ fs, dir }));
  await git.add({ fs, dir, filepath: ["src"] });
  await git.remove({ fs, dir, filepath: "src/words/en.txt" });
  await git.remove({ fs, dir, filepath: "assets/current" });
  const polite = await git.commit({ fs, dir, message: "Be polite", ...who });

  await git.checkout({ fs, dir, ref: "main" });
  told.push(treeOf({ fs, root: dir }, join(dir, "src")));
  fs.appendFileSync(join(dir, "README.md"), "Run bin/greet.\n");
  await git.add({ fs, dir, filepath: "README.md" });
  const second = await git.commit({ fs, dir, message: "Say how", ...who });
  const { oid: merged } = await git.merge({ fs, dir, theirs: "polite", message: "Merge polite", ...who });
  await git.checkout({ fs, dir, ref: "main" });
  await git.tag({ fs, dir, ref: "v1" });
  await git.packObjects({ fs, dir, oids: [first, second], write: true });
  told.push(await git.log({ fs, dir, ref: "main" }));
  told.push(await git.listBranches({ fs, dir }), await git.listFiles({ fs, dir }));
  told.push(await git.statusMatrix({ fs, dir }));
  const words = await git.readBlob({ fs, dir, oid: merged!, filepath: "src/words/more/deep/fr.txt" });
  told.push(Buffer.from(words.blob).toString());
  return { told, ids: { first, polite, second, merged } };
}

const environment = {
  ...process.env,
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: author.name,
  GIT_AUTHOR_EMAIL: author.email,
  GIT_AUTHOR_DATE: `${author.timestamp} +0000`,
  GIT_COMMITTER_NAME: author.name,
  GIT_COMMITTER_EMAIL: author.email,
  GIT_COMMITTER_DATE: `${author.timestamp} +0000`,
};

function realGit(dir: string, ...args: string[]): string {
  return execFileSync("git", args, { cwd: dir, env: environment, encoding: "utf8" }).trim();
}

/** The same history by the real program. */
function workOfGit({ fs, root: dir }: Side) {
  const commit = (...args: string[]) => {
    realGit(dir, "commit", "-q", ...args);
    return realGit(dir, "rev-parse", "HEAD");
  };
  realGit(dir, "init", "-q", "-b", "main");
  realGit(dir, "add", ".");
  const first = commit("-m", "First");
  realGit(dir, "checkout", "-q", "-b", "polite");
  fs.writeFileSync(join(dir, "src/greet.js"), 'console.log("how do you do");\n');
  fs.renameSync(join(dir, "src/words/en.txt"), join(dir, "src/words/english.txt"));
  fs.mkdirSync(join(dir, "src/words/more/deep"), { recursive: true });
  fs.writeFileSync(join(dir, "src/words/more/deep/fr.txt"), "bonjour\n");
  fs.unlinkSync(join(dir, "assets/current"));
  realGit(dir, "add", "-A");
  const polite = commit("-m", "Be polite");
  realGit(dir, "checkout", "-q", "main");
  fs.appendFileSync(join(dir, "README.md"), "Run bin/greet.\n");
  const second = commit("-a", "-m", "Say how");
  realGit(dir, "merge", "-q", "--no-ff", "-m", "Merge polite", "polite");
  return { first, polite, second, merged: realGit(dir, "rev-parse", "HEAD") };
}

describe.skipIf(needs.tool("git", "git"))("isomorphic-git", () => {
  it("tells the same, with git's own ids, and leaves a repository that git finds sound", async () => {
    const forGit = onMachine(PROJECT);
    forGit.fs.chmodSync(join(forGit.root, "bin/greet"), 0o755);
    const ids = workOfGit(forGit);

    const { onDisk, onMount, mounted } = await inTurn(PROJECT, work);
    expect(onMount).toEqual(onDisk);
    expect(onMount.ids).toEqual(ids);

    const copy = join(scratch(), "copy");
    copyOut(mounted, mounted.root, copy);
    expect(realGit(copy, "fsck", "--strict", "--full")).toBe("");
    expect(realGit(copy, "status", "--porcelain")).toBe("");
    expect(realGit(copy, "rev-parse", "v1")).toBe(ids.merged);
    expect(treeOf({ fs: forGit.fs, root: copy }, join(copy, "src"))).toEqual(
      treeOf(forGit, join(forGit.root, "src")),
    );
  });
});
