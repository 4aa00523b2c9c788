/**
 * The `node:fs` face against `node:fs`: the table of functions is whole, and each call in it gives on a
 * mount what it gives in a directory.
 */

import * as nodeFs from "node:fs";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { callable, FORMS, type Form } from "./call.ts";
import { differenceOf } from "./differences.ts";
import { called, elsewhere } from "./functions.ts";
import { comparable, fill, type Ground, grounds, newFs, treeOf } from "./ground.ts";

type Function = (...args: unknown[]) => unknown;

/** Takes the letters that mkdtemp made out of whatever holds them. */
function withoutLetters<T extends object>(value: T): T {
  return JSON.parse(JSON.stringify(value, (_name, field) => field).replace(/(tmp-)\w{6}/g, "$1XXXXXX")) as T;
}

type Shape = (value: unknown) => unknown;

function sorted(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((item) => JSON.stringify(item)).sort();
}

async function outcome(
  { ground, form, name, args }: { ground: Ground; form: Form; name: string; args: readonly unknown[] },
  shape: Shape,
) {
  const result = await callable(ground.fs, form, name)!(args, shape);
  // What was read into is part of the outcome; a descriptor's number is not.
  const rest = typeof args[0] === "number" && args[0] >= 0 ? args.slice(1) : args;
  const given = comparable(rest);
  ground.leave();
  return withoutLetters({ result, arguments: given, tree: treeOf(ground.fs, ground.root) });
}

const oneStep =
  (shape: Shape | undefined, inOrder: boolean): Shape =>
  (value) => {
    const shaped = comparable(shape === undefined ? value : shape(value));
    return inOrder ? shaped : sorted(shaped);
  };

describe.each(Object.entries(called))("%s", (name, { calls, shape, sorted: anyOrder }) => {
  test.each(FORMS.filter((form) => callable(nodeFs, form, name) !== undefined))(
    "%s: as node:fs does it",
    async (form) => {
      const step = oneStep(shape, anyOrder !== true);
      let both = grounds(fill);
      let start = treeOf(nodeFs, both.real.root).join("\n");
      for (const make of calls) {
        const { real, ours, end } = both;
        const args = make(real);
        const expected = await outcome({ ground: real, form, name, args }, step);
        const actual = await outcome({ ground: ours, form, name, args: make(ours) }, step);
        const made = { name, form, args, node: expected.result, ours: actual.result };
        if (differenceOf(made, true) === undefined) expect.soft(actual, `${name} ${make}`).toEqual(expected);
        else expect.soft(actual.tree, `${name} ${make}`).toEqual(expected.tree);
        // What changed nothing leaves the ground to the next.
        if ([expected, actual].every(({ tree }) => tree.join("\n") === start)) continue;
        end();
        both = grounds(fill);
        start = treeOf(nodeFs, both.real.root).join("\n");
      }
      both.end();
    },
  );
});

describe("the table", () => {
  const covered = (name: string) =>
    name in called || name in elsewhere || name.replace(/Sync$/, "") in called;
  const names = (fs: object) => Object.keys(fs).filter((name) => name !== "default");

  test("lists every function of this Node, and the face has it", () => {
    const fs = newFs();
    expect(names(nodeFs).filter((name) => !covered(name))).toEqual([]);
    expect(names(nodeFs).filter((name) => !(name in fs))).toEqual([]);
    const inPromises = names(nodeFs.promises).filter(
      (name) => !covered(name) && !(`promises.${name}` in elsewhere),
    );
    expect(inPromises).toEqual([]);
    expect(names(nodeFs.promises).filter((name) => !(name in fs.promises))).toEqual([]);
  });

  test("lists nothing that is not there", () => {
    const fs = newFs() as unknown as { [name: string]: unknown };
    for (const name of Object.keys(called)) expect(fs[name], name).toBeTypeOf("function");
    for (const [name, file] of Object.entries(elsewhere)) {
      expect(existsSync(new URL(file, import.meta.url)), `${name}: ${file}`).toBe(true);
    }
  });

  test("lists every member of a handle, and the face's handle has it", async () => {
    const handle = await nodeFs.promises.open(new URL(import.meta.url));
    const fs = newFs();
    fs.writeFileSync("/f", "");
    const ours = await fs.promises.open("/f");
    const members = Object.getOwnPropertyNames(Object.getPrototypeOf(handle)).filter(
      (name) => name !== "constructor",
    );
    expect(members.filter((name) => !(`FileHandle.${name}` in elsewhere))).toEqual([]);
    expect(members.filter((name) => !(name in ours))).toEqual([]);
    await handle.close();
    await ours.close();
  });

  test("lists the classes, and the face's have every member that Node's have", () => {
    const fs = newFs() as unknown as typeof nodeFs;
    const make = (each: typeof nodeFs, path: string): { readonly [name: string]: object } => {
      const polled = each.watchFile(path, () => {});
      const watcher = each.watch(path);
      each.unwatchFile(path);
      watcher.close();
      const { Stats, Dirent, Dir, ReadStream, WriteStream } = each;
      const made = Object.entries({ Stats, Dirent, Dir, ReadStream, WriteStream });
      const prototypes = Object.fromEntries(made.map(([name, { prototype }]) => [name, prototype as object]));
      const bigint = Object.getPrototypeOf(each.statSync(path, { bigint: true })) as object;
      return { ...prototypes, BigIntStats: bigint, StatWatcher: polled, FSWatcher: watcher };
    };
    const ours = make(fs, "/");
    for (const [name, prototype] of Object.entries(make(nodeFs, "/"))) {
      const members = new Set<string>();
      for (let each: object | null = prototype; each !== null; each = Object.getPrototypeOf(each)) {
        for (const member of Object.getOwnPropertyNames(each)) members.add(member);
      }
      // These, and what begins so, are how Node does it and nobody's to call.
      const inner = ["processReadResult", "readSyncRecursive", "start"];
      const open = [...members].filter((member) => !member.startsWith("_") && !inner.includes(member));
      expect
        .soft(
          open.filter((member) => !(member in ours[name]!)),
          name,
        )
        .toEqual([]);
    }
  });

  test("functions have their names", () => {
    const fs = newFs() as unknown as { [name: string]: unknown };
    for (const [name, value] of Object.entries(nodeFs)) {
      if (typeof value === "function" && name !== "default")
        expect((fs[name] as Function).name, name).toBe(value.name);
    }
  });

  test("constants are Linux's", () => {
    expect(newFs().constants).toEqual({ ...nodeFs.constants });
    expect(newFs().promises.constants).toEqual({ ...nodeFs.constants });
    expect(newFs()).toMatchObject({ F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1 });
  });
});

describe("what is not one call", () => {
  const { real, ours, end } = grounds(fill);
  afterAll(end);
  const both = [real, ours] as const;

  test("realpath.native", async () => {
    const results = await Promise.all(
      both.map(async ({ fs, at }) => {
        const paths = [
          "ld/e",
          "absolute/..",
          "nope/x",
          "f/x",
          "loop",
          "dangling",
          "l",
          "d/",
          "f/",
          "ld/../f",
        ];
        const outcomes: unknown[] = [];
        for (const path of paths) {
          try {
            outcomes.push(fs.realpathSync.native(at(path)));
          } catch (error) {
            outcomes.push(comparable(error));
          }
          const later = promisify(fs.realpath.native)(at(path));
          outcomes.push(await later.then(comparable, comparable));
        }
        return outcomes;
      }),
    );
    expect(results[1]).toEqual(results[0]);
  });

  test("lchmod is not there, as on Linux", async () => {
    const fs = newFs();
    expect([fs.lchmod, fs.lchmodSync]).toEqual([nodeFs.lchmod, nodeFs.lchmodSync]);
    const codes = both.map(({ fs: each, at }) =>
      each.promises.lchmod(at("l"), 0o600).catch((error) => error.code),
    );
    expect(await codes[1]).toBe(await codes[0]);
  });

  test("util.promisify gives what Node's gives", async () => {
    const results = await Promise.all(
      both.map(async (ground) => {
        const { fs, at } = ground;
        const outcomes = [
          await promisify(fs.exists)(at("f")),
          await promisify(fs.read)(ground.fd("f"), Buffer.alloc(4), 0, 4, 1),
          await promisify(fs.write)(ground.fd("f", "r+"), "abc", 0, "utf8"),
          await promisify(fs.write)(ground.fd("f", "r+"), Buffer.from("xyz"), 0, 2, 5),
          await promisify(fs.readv)(ground.fd("f"), [Buffer.alloc(2), Buffer.alloc(3)], 0),
          await promisify(fs.writev)(ground.fd("f", "r+"), [Buffer.from("q")], 0),
          await promisify(fs.stat)(at("f")),
          await promisify(fs.readdir)(at("d")),
        ];
        return comparable(outcomes);
      }),
    );
    expect(results[1]).toEqual(results[0]);
  });

  test("a read with no buffer makes one", async () => {
    const results = await Promise.all(
      both.map(
        (ground) =>
          new Promise((resolve) => {
            ground.fs.read(ground.fd("f"), (error, count, buffer) => {
              resolve([error, count, buffer?.length, buffer?.toString("latin1", 0, count)]);
            });
          }),
      ),
    );
    expect(results[1]).toEqual(results[0]);
  });

  test("a callback is asked for", () => {
    for (const name of ["stat", "readFile", "open", "cp", "read", "exists", "mkdtemp"]) {
      const codes = both.map(({ fs, at }) => {
        try {
          (fs as unknown as { [name: string]: Function })[name]!(at("f"));
          return "nothing";
        } catch (error) {
          return (error as NodeJS.ErrnoException).code;
        }
      });
      expect(codes[1], name).toBe(codes[0]);
    }
  });

  test("_toUnixTimestamp", () => {
    for (const value of [5, 1.5, "7", new Date(1500), "x", {}, Number.NaN]) {
      const results = both.map(({ fs }) => {
        try {
          return (fs as unknown as { _toUnixTimestamp: Function })._toUnixTimestamp(value);
        } catch (error) {
          return comparable(error);
        }
      });
      expect(results[1]).toEqual(results[0]);
    }
  });

  test("a directory cannot be copied as a file, and there is no trace of it", () => {
    const errors = both.map(({ fs, at }) => {
      try {
        return fs.copyFileSync(at("d"), at("new"));
      } catch (error) {
        return comparable(error);
      }
    });
    expect(errors[1]).toEqual(errors[0]);
    expect(ours.fs.existsSync(ours.at("new"))).toBe(false);
  });

  test("a directory is not copied into itself through a link; Node copies until a path is too long", async () => {
    const { fs, at } = ours;
    expect(() => fs.cpSync(at("d"), at("absolute/new"), { recursive: true })).toThrow(
      expect.objectContaining({ code: "ERR_FS_CP_EINVAL", syscall: "cp", path: at("absolute/new") }),
    );
    expect(fs.readdirSync(at("d/e"))).toEqual(["g"]);
  });

  test("an answer never comes before the call has returned", async () => {
    const { fs, at } = ours;
    for (const name of ["stat", "exists", "readdir", "mkdir", "cp"]) {
      let returned = false;
      const early = await new Promise((resolve) => {
        const call = (fs as unknown as { [name: string]: Function })[name]!;
        call(at("f"), ...(name === "cp" ? [at("f")] : []), () => resolve(!returned));
        returned = true;
      });
      expect(early, name).toBe(false);
    }
  });

  test("openAsBlob", async () => {
    const blob = await ours.fs.openAsBlob(ours.at("ü ñ"), { type: "text/plain" });
    expect([await blob.text(), blob.type]).toEqual(["unicode ✓ \u{1f600}", "text/plain"]);
    const codes = await Promise.all(
      both
        .map(async ({ fs, at }) => fs.openAsBlob(at("nope")))
        .map((blob) => blob.catch((error) => error.code)),
    );
    expect(codes[1]).toBe(codes[0]);
  });

  test.each(["readFile", "writeFile", "appendFile"] as const)("%s: AbortSignal", async (name) => {
    const results = await Promise.all(
      both.map(async ({ fs, at }) => {
        const aborted = AbortSignal.abort(new Error("why"));
        const late = new AbortController();
        const args = name === "readFile" ? [at("f")] : [at("new"), "data"];
        const call = (fs.promises as unknown as { [name: string]: Function })[name]!;
        const early = await (call(...args, { signal: aborted }) as Promise<unknown>).catch((error) => error);
        const pending = (call(...args, { signal: late.signal }) as Promise<unknown>).catch((error) => error);
        late.abort();
        const callback = promisify((fs as unknown as { [name: string]: Function })[name]!) as (
          ...args: unknown[]
        ) => Promise<unknown>;
        const third = await callback(...args, { signal: aborted }).catch((error: unknown) => error);
        return ([early, await pending, third] as NodeJS.ErrnoException[]).map((error) => [
          error.name,
          error.code,
          error.message,
          (error.cause as Error)?.message,
        ]);
      }),
    );
    expect(results[1]).toEqual(results[0]);
  });

  test("an answer comes in a turn of its own, so that polling starves nobody", async () => {
    const fs = newFs();
    let fired = false;
    setTimeout(() => {
      fired = true;
    }, 1);
    for (let tries = 0; !fired && tries < 1_000_000; tries++)
      await fs.promises.access("/nope").catch(() => {});
    expect(fired).toBe(true);
  });
});
