/**
 * `watch`, `promises.watch`, `watchFile` and `unwatchFile`. The events of single steps are compared
 * with inotify's as Node tells them: which ones and in what order, repeats put together.
 */
import type * as nodeFs from "node:fs";
import { describe, expect, test } from "vitest";
import { fill, type Ground, grounds, newFs } from "./ground.ts";
import { failure } from "./same.ts";

const TURN = 25;

function pause(milliseconds = TURN): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

const STEPS: readonly (readonly [string, (ground: Ground) => unknown])[] = [
  ["a file is made and written", ({ fs, at }) => fs.writeFileSync(at("d/new"), "text")],
  ["written again", ({ fs, at }) => fs.appendFileSync(at("d/new"), "more")],
  ["its mode", ({ fs, at }) => fs.chmodSync(at("d/new"), 0o600)],
  ["its times", ({ fs, at }) => fs.utimesSync(at("d/new"), 1, 2)],
  ["cut", ({ fs, at }) => fs.truncateSync(at("d/new"), 1)],
  ["renamed", ({ fs, at }) => fs.renameSync(at("d/new"), at("d/other"))],
  ["moved out", ({ fs, at }) => fs.renameSync(at("d/other"), at("out"))],
  ["moved in", ({ fs, at }) => fs.renameSync(at("out"), at("d/back"))],
  ["removed", ({ fs, at }) => fs.unlinkSync(at("d/back"))],
  ["a directory", ({ fs, at }) => fs.mkdirSync(at("d/dir"))],
  ["a symlink", ({ fs, at }) => fs.symlinkSync("f", at("d/link"))],
  ["a directory is removed", ({ fs, at }) => fs.rmdirSync(at("d/dir"))],
  ["outside", ({ fs, at }) => fs.writeFileSync(at("x"), "elsewhere")],
  ["in a directory below, which is not looked at", ({ fs, at }) => fs.writeFileSync(at("d/e/new"), "")],
];

describe("watch", () => {
  const watched = async (ground: Ground, path: string, steps: typeof STEPS) => {
    const events: string[] = [];
    const watcher = ground.fs.watch(ground.at(path), (type, name) => events.push(`${type} ${name}`));
    await pause();
    const told: unknown[] = [];
    for (const [what, step] of steps) {
      events.length = 0;
      step(ground);
      await pause();
      told.push([what, ...events.filter((event, at) => event !== events[at - 1])]);
    }
    watcher.close();
    return told;
  };

  test("a directory: as inotify tells it", async () => {
    const { real, ours, end } = grounds(fill);
    const [expected, actual] = await Promise.all([watched(real, "d", STEPS), watched(ours, "d", STEPS)]);
    end();
    expect(actual).toEqual(expected);
  });

  test("a file: as inotify tells it", async () => {
    const steps: typeof STEPS = [
      ["written", ({ fs, at }) => fs.appendFileSync(at("x"), "more")],
      ["its mode", ({ fs, at }) => fs.chmodSync(at("x"), 0o700)],
      ["another file", ({ fs, at }) => fs.writeFileSync(at("f"), "other")],
    ];
    const { real, ours, end } = grounds(fill);
    const [expected, actual] = await Promise.all([watched(real, "x", steps), watched(ours, "x", steps)]);
    end();
    expect(actual).toEqual(expected);
  });

  test("recursive sees what is below, also in directories made since", async () => {
    const fs = newFs();
    fs.mkdirSync("/top/a", { recursive: true });
    const events: string[] = [];
    const watcher = fs.watch("/top", { recursive: true }, (type, name) => events.push(`${type} ${name}`));
    fs.writeFileSync("/top/a/f", "");
    fs.mkdirSync("/top/a/b");
    fs.writeFileSync("/top/a/b/g", "x");
    fs.rmSync("/top/a", { recursive: true });
    await pause();
    watcher.close();
    expect(events).toContain("rename a/f");
    expect(events).toContain("rename a/b/g");
    expect(events).toContain("change a/b/g");
    expect(events.at(-1)).toBe("rename a");
  });

  test("close ends it with one event; a signal closes it; there is no event after it", async () => {
    const fs = newFs();
    const controller = new AbortController();
    for (const end of ["close", "signal"]) {
      const events: string[] = [];
      const watcher = fs.watch("/", { signal: controller.signal });
      watcher.on("change", () => events.push("change"));
      watcher.on("close", () => events.push("close"));
      fs.writeFileSync("/f", "");
      if (end === "close") watcher.close();
      else controller.abort();
      watcher.close();
      await pause();
      expect(events, end).toEqual(["close"]);
    }
  });

  test("names in the encoding that is asked for", async () => {
    const fs = newFs();
    const names: unknown[] = [];
    const watchers = ["buffer", "hex"].map((encoding) =>
      fs.watch("/", encoding as "hex", (_type, name) => names.push(name)),
    );
    fs.mkdirSync("/ü");
    await pause();
    for (const watcher of watchers) watcher.close();
    expect(names).toEqual([Buffer.from("ü"), "c3bc"]);
  });

  test("what is not there: the error of Node, with its filename", async () => {
    const { real, ours, end } = grounds(fill);
    for (const path of ["nope", "f/x", "loop"]) {
      const [expected, actual] = await Promise.all(
        [real, ours].map(async ({ fs, at }) => [
          await failure(() => fs.watch(at(path))),
          await failure(async () => {
            for await (const _ of fs.promises.watch(at(path))) break;
          }),
        ]),
      );
      expect(actual, path).toEqual(expected);
    }
    end();
  });

  test("ref and unref give the watcher back", () => {
    const watcher = newFs().watch("/");
    expect([watcher.ref(), watcher.unref()]).toEqual([watcher, watcher]);
    watcher.close();
  });
});

describe("promises.watch", () => {
  test("events are iterated, none is lost between two turns; a signal ends it", async () => {
    const fs = newFs();
    const controller = new AbortController();
    const events: string[] = [];
    const reading = (async () => {
      for await (const { eventType, filename } of fs.promises.watch("/", { signal: controller.signal })) {
        events.push(`${eventType} ${filename}`);
      }
    })();
    await pause(1);
    fs.mkdirSync("/a");
    fs.mkdirSync("/b");
    fs.rmdirSync("/a");
    await pause();
    controller.abort();
    await expect(reading).rejects.toMatchObject({ name: "AbortError", code: "ABORT_ERR" });
    expect(events).toEqual(["rename a", "rename b", "rename a"]);
  });

  test("a signal that was given before, and wrong options", async () => {
    const { real, ours, end } = grounds(fill);
    const options = [{ signal: AbortSignal.abort() }, { persistent: 1 }, { recursive: "x" }, 5];
    for (const given of options) {
      const [expected, actual] = await Promise.all(
        [real, ours].map(({ fs, at }) =>
          failure(async () => {
            for await (const _ of fs.promises.watch(at("d"), given as never)) break;
          }),
        ),
      );
      expect(actual).toEqual(expected);
    }
    end();
  });

  test("a queue with no room drops, or says so", async () => {
    const fs = newFs();
    const events = fs.promises
      .watch("/", { maxQueue: 1, overflow: "throw" } as never)
      [Symbol.asyncIterator]();
    const first = events.next();
    await pause(1);
    for (const name of ["/a", "/b", "/c"]) fs.mkdirSync(name);
    await expect(first.then(() => events.next())).rejects.toMatchObject({
      code: "ERR_FS_WATCH_QUEUE_OVERFLOW",
    });
  });
});

describe("watchFile", () => {
  type Told = [nodeFs.Stats, nodeFs.Stats];

  test("tells the state now and before, and a file that comes and goes", async () => {
    const results = await (async () => {
      const { real, ours, end } = grounds(fill);
      const told = await Promise.all(
        [real, ours].map(async ({ fs, at }) => {
          const events: unknown[] = [];
          const watcher = fs.watchFile(at("f"), { interval: 10 }, (...[now, before]: Told) =>
            events.push([now.size, before.size, now.nlink > 0, before.nlink > 0]),
          );
          await pause(80);
          fs.writeFileSync(at("f"), "longer than it was before");
          await pause(80);
          fs.unlinkSync(at("f"));
          await pause(80);
          fs.unwatchFile(at("f"));
          fs.writeFileSync(at("f"), "not told");
          await pause(40);
          return [events, watcher.listenerCount("change")];
        }),
      );
      end();
      return told;
    })();
    expect(results[1]).toEqual(results[0]);
  });

  test("a file that is not there is told once; bigint", async () => {
    const fs = newFs();
    const sizes: unknown[] = [];
    fs.watchFile("/nope", { interval: 5, bigint: true }, (now) => sizes.push(now.size));
    await pause(40);
    fs.unwatchFile("/nope");
    expect(sizes).toEqual([0n]);
  });

  test("one watcher a path; unwatchFile takes one listener or all", async () => {
    const fs = newFs();
    const [one, other] = [() => {}, () => {}];
    const watcher = fs.watchFile("/f", { interval: 1000 }, one);
    expect(fs.watchFile("/x/../f", { interval: 1000 }, other)).toBe(watcher);
    fs.unwatchFile("/f", one);
    expect(watcher.listeners("change")).toEqual([other]);
    let stopped = false;
    watcher.on("stop", () => {
      stopped = true;
    });
    fs.unwatchFile("/f");
    await pause();
    expect(stopped).toBe(true);
  });

  test("a listener is asked for", async () => {
    const { real, ours, end } = grounds(fill);
    const errors = await Promise.all(
      [real, ours].map(({ fs, at }) => failure(() => fs.watchFile(at("f"), {} as never, undefined as never))),
    );
    end();
    expect(errors[1]).toEqual(errors[0]);
  });
});
