/**
 * Each deliberate difference from `node:fs` by itself: what Node does, and what ours does.
 */
import * as nodeFs from "node:fs";
import { describe, expect, test } from "vitest";
import { createFs } from "../../src/vfs/node-fs.ts";
import { callable, type Form, type Outcome } from "./call.ts";
import { type DifferenceName, differenceOf, differences } from "./differences.ts";
import { comparable, fill, type Ground, grounds, newMount } from "./ground.ts";

interface Case {
  readonly name: string;
  readonly form: Form;
  readonly args: (ground: Ground) => unknown[];
  readonly node: object;
  readonly ours: object;
}

/** Two outcomes of one call that the table must explain. */
const CASES: { readonly [name in DifferenceName]: Case } = {
  "the path of opendirSync": {
    name: "opendir",
    form: "sync",
    args: ({ at }) => [at("nope")],
    node: { error: { code: "ENOENT", syscall: "opendir", path: undefined } },
    ours: { error: { code: "ENOENT", syscall: "opendir", path: expect.stringMatching(/nope$/) } },
  },
  "readFile of a descriptor that cannot be read": {
    name: "readFile",
    form: "callback",
    args: (ground) => [ground.fd("d")],
    node: { value: "Buffer " },
    ours: { error: { code: "EISDIR", syscall: "read" } },
  },
  "readdir with recursive": {
    name: "readdir",
    form: "callback",
    args: ({ at }) => [at("nope"), { recursive: true }],
    node: { thrown: true, error: { code: "ENOENT", syscall: "scandir" } },
    ours: { error: { code: "ENOENT", syscall: "scandir" }, more: ["no value"] },
  },
  "recursive listing of a directory named by a buffer": {
    name: "readdir",
    form: "sync",
    args: ({ at }) => [Buffer.from(at("d")), { recursive: true }],
    node: { error: { name: "TypeError", code: "ERR_INVALID_ARG_TYPE" } },
    ours: { value: ["e", "f", "e/g"] },
  },
  "which of two errors promises.cp tells": {
    name: "cp",
    form: "promise",
    args: ({ at }) => [at("f/from"), at("x/to")],
    node: { error: { code: "ENOTDIR", path: expect.stringMatching(/\/(f\/from|x\/to)$/) } },
    ours: { error: { code: "ENOTDIR", path: expect.stringMatching(/\/f\/from$/) } },
  },
  "recursive rm of a link with a slash after it": {
    name: "rm",
    form: "promise",
    args: ({ root }) => [`${root}/ld/`, { recursive: true, force: true }],
    node: { value: undefined },
    ours: { error: { code: "ENOTDIR", syscall: "rmdir" } },
  },
  "null for options": {
    name: "stat",
    form: "sync",
    args: ({ at }) => [at("f"), null],
    node: { error: { name: "TypeError" } },
    ours: { value: expect.objectContaining({ of: "Stats" }) },
  },
  "readSync with null for an offset": {
    name: "read",
    form: "sync",
    args: (ground) => [ground.fd("f"), Buffer.alloc(5), null, 2, 0],
    node: { value: 5 },
    ours: { value: 2 },
  },
  "the place of the callback": {
    name: "read",
    form: "callback",
    args: (ground) => [ground.fd("f"), Buffer.alloc(2), 0, 2],
    node: { thrown: true, error: { code: "ERR_INVALID_ARG_TYPE" } },
    ours: { value: 2 },
  },
  "which mistake is told": {
    name: "truncate",
    form: "sync",
    args: ({ at }) => [at("nope"), 1.5],
    node: { error: { code: "ENOENT" } },
    ours: { error: { code: "ERR_OUT_OF_RANGE" } },
  },
};

describe("in single calls", () => {
  test.each(Object.entries(CASES))("%s", async (difference, { name, form, args, node, ours }) => {
    const both = grounds(fill);
    const outcomes: Outcome[] = [];
    for (const ground of [both.real, both.ours]) {
      outcomes.push(await callable(ground.fs, form, name)!(args(ground)));
      ground.leave();
    }
    both.end();
    expect(outcomes[0]).toMatchObject(node);
    expect(outcomes[1]).toMatchObject(ours);
    const made = { name, form, args: args(both.ours), node: outcomes[0]!, ours: outcomes[1]! };
    both.ours.leave();
    expect(differenceOf(made, false)).toBe(difference);
  });

  test("each has its reason", () => {
    for (const [name, { reason }] of Object.entries(differences))
      expect(reason, name).toMatch(/^\S.{20,}\.$/s);
  });
});

describe("beyond single calls", () => {
  test("names that are not UTF-8 make the round trip as strings; Node's strings lose them", () => {
    const { real, ours, end } = grounds(() => {});
    const listed = [real, ours].map(({ fs, root }) => {
      fs.writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0x61])]), "x");
      return [fs.readdirSync(root), fs.readdirSync(root, "buffer")].map(comparable);
    });
    expect(listed[1]).toEqual(listed[0]);
    const mount = newMount();
    const fs = createFs(mount);
    fs.writeFileSync(Buffer.from([0x2f, 0xff]), "found");
    const name = mount.readdir("/")[0]!.name;
    expect(name).toBe("\udcff");
    expect(fs.readFileSync(`/${name}`, "utf8")).toBe("found");
    end();
  });

  test("cp copies names that are not UTF-8 and takes buffers; Node's finds neither", () => {
    const { real, ours, end } = grounds(({ fs, at }) => {
      fs.mkdirSync(at("from"));
      fs.writeFileSync(Buffer.concat([Buffer.from(`${at("from")}/`), Buffer.from([0xff])]), "x");
    });
    const copy = ({ fs, at }: Ground) => fs.cpSync(at("from"), at("to"), { recursive: true });
    expect(() => copy(real)).toThrow(expect.objectContaining({ code: "ENOENT" }));
    copy(ours);
    expect(ours.fs.readdirSync(ours.at("to"), "buffer")).toEqual([Buffer.from([0xff])]);
    end();
  });

  test("opendir with recursive lists a directory whole; Node 20 the first 32 entries of one below", async () => {
    const { real, ours, end } = grounds(({ fs, at }) => {
      fs.mkdirSync(at("below"));
      for (let n = 0; n < 100; n++) fs.writeFileSync(at(`below/${n}`), "");
    });
    const counts = await Promise.all(
      [real, ours].map(async ({ fs, root }) => {
        let count = 0;
        for await (const _ of await fs.promises.opendir(root, { recursive: true })) count += 1;
        return count;
      }),
    );
    expect(counts).toEqual([33, 101]);
    end();
  });

  test("a copy that cannot be made leaves its target; Node's is gone", () => {
    const { real, ours, end } = grounds(fill);
    const there = [real, ours].map(({ fs, at }) => {
      expect(() => fs.copyFileSync(at("d"), at("x"))).toThrow(expect.objectContaining({ code: "EISDIR" }));
      return fs.existsSync(at("x"));
    });
    expect(there).toEqual([false, true]);
    end();
  });

  test("working directory and umask are the caller's, not the process's", () => {
    const mount = newMount();
    mount.mkdir("/work");
    const fs = createFs(mount.as({ cwd: "/work", umask: 0o077 }));
    fs.writeFileSync("relative", "");
    expect(fs.realpathSync("relative")).toBe("/work/relative");
    expect(fs.statSync("/work/relative").mode & 0o777).toBe(0o600);
  });

  test("a blob holds the bytes as they were; Node's fails once the file has changed", async () => {
    const { real, ours, end } = grounds(fill);
    const texts = await Promise.all(
      [real, ours].map(async ({ fs, at }) => {
        const blob = await fs.openAsBlob(at("f"));
        fs.writeFileSync(at("f"), "another length");
        return blob.text().catch((error: Error) => error.name);
      }),
    );
    expect(texts).toEqual(["NotReadableError", "hello world\n"]);
    end();
  });

  test("statfs says overlayfs, whatever lies below", () => {
    expect(createFs(newMount()).statfsSync("/").type).toBe(0x794c7630);
    expect(nodeFs.statfsSync("/proc").type).toBe(0x9fa0);
  });

  test("reading moves no access time", () => {
    const fs = createFs(newMount());
    fs.writeFileSync("/f", "x");
    fs.utimesSync("/f", 1, 1);
    fs.readFileSync("/f");
    expect(fs.statSync("/f").atimeMs).toBe(1000);
  });
});
