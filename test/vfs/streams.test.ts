/**
 * `createReadStream`, `createWriteStream` and their classes, against Node's: options, events, errors.
 */
import * as nodeFs from "node:fs";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, expect, test } from "vitest";
import { type Ground, newFs } from "./ground.ts";
import { failure, same } from "./same.ts";

type Options = object | string | undefined;

/** The events of a stream in order, with what a reader gets. */
function story(stream: Readable | Writable): Promise<unknown[]> {
  const events: unknown[] = [];
  const tell = (name: string) => stream.on(name, () => events.push(name));
  for (const name of ["open", "ready", "end", "finish"]) tell(name);
  if (stream instanceof Readable) {
    stream.on("data", (chunk) => events.push(["data", typeof chunk, String(chunk)]));
  }
  stream.on("error", (error) => events.push(failure(() => Promise.reject(error))));
  return new Promise((resolve) => {
    stream.on("close", () => resolve(Promise.all([...events, "close"])));
  });
}

const reading =
  (options: Options, name = "f") =>
  async ({ fs, at }: Ground) => {
    const stream = fs.createReadStream(at(name), options as never);
    const before = [stream.pending, stream.path, stream.bytesRead];
    return [before, await story(stream), stream.bytesRead, stream.pending, stream.destroyed];
  };

const writing =
  (options: Options, name = "f", pieces: readonly (string | Buffer)[] = ["one", Buffer.from("two")]) =>
  async ({ fs, at }: Ground) => {
    const stream = fs.createWriteStream(at(name), options as never);
    for (const piece of pieces) stream.write(piece);
    stream.end();
    const before = [stream.pending, stream.path];
    return [before, await story(stream), stream.bytesWritten, stream.destroyed];
  };

const READING: { readonly [name: string]: (ground: Ground) => unknown } = {
  plain: reading(undefined),
  "an encoding alone": reading("utf8"),
  "an encoding in options, over characters of several bytes": reading(
    { encoding: "utf8", highWaterMark: 1 },
    "ü ñ",
  ),
  start: reading({ start: 6 }),
  "start and end, both inclusive": reading({ start: 2, end: 4 }),
  "end alone": reading({ end: 3 }),
  "end 0": reading({ end: 0 }),
  "start beyond the file": reading({ start: 100 }),
  "start after end is refused": reading({ start: 5, end: 2 }),
  "start that is no number": reading({ start: "1" }),
  "end that is no number": reading({ end: "1" }),
  "end NaN": reading({ end: Number.NaN }),
  highWaterMark: reading({ highWaterMark: 4 }),
  "a missing file": reading(undefined, "nope"),
  "a directory": reading(undefined, "d"),
  "flags that create": reading({ flags: "w+" }, "new"),
  "wrong flags": reading({ flags: "zz" }),
  mode: reading({ flags: "a+", mode: 0o600 }, "new"),
  "an empty file": reading(undefined, "empty"),
  "emitClose false": async ({ fs, at }) => {
    const stream = fs.createReadStream(at("f"), { emitClose: false });
    const events: string[] = [];
    stream.on("close", () => events.push("close")).on("end", () => events.push("end"));
    stream.resume();
    while (!stream.destroyed) await new Promise((resolve) => setTimeout(resolve, 5));
    return [events, stream.destroyed];
  },
  "autoClose false leaves the descriptor open": async (ground) => {
    const fd = ground.fd("f");
    const stream = ground.fs.createReadStream("", { fd, autoClose: false });
    let text = "";
    for await (const chunk of stream) text += chunk;
    return [text, ground.fs.fstatSync(fd).size];
  },
  "a descriptor is closed at the end": async (ground) => {
    const fd = ground.fd("f");
    const told = await story(ground.fs.createReadStream("", { fd, start: 3 }));
    return [told, await failure(() => ground.fs.fstatSync(fd))];
  },
  "a descriptor without start reads from where it stands": async (ground) => {
    const fd = ground.fd("f");
    ground.fs.readSync(fd, Buffer.alloc(6), 0, 6, null);
    return story(ground.fs.createReadStream("ignored", { fd }));
  },
  "an abort signal": async ({ fs, at }) => {
    const controller = new AbortController();
    const stream = fs.createReadStream(at("f"), { signal: controller.signal });
    const told = story(stream);
    controller.abort();
    return told;
  },
  "destroy before it is open": async ({ fs, at }) => {
    const stream = fs.createReadStream(at("f"));
    stream.destroy();
    return story(stream);
  },
  "close with a callback": async ({ fs, at }) => {
    const stream = fs.createReadStream(at("f"));
    await new Promise((resolve) => stream.close(resolve));
    return [stream.closed, stream.destroyed];
  },
  "paths as buffers and URLs": async ({ fs, at }) => {
    const paths = [Buffer.from(at("f")), new URL(`file://${at("f")}`)];
    return Promise.all(paths.map((path) => story(fs.createReadStream(path))));
  },
  "functions of one's own": async ({ fs, at }) => {
    const calls: string[] = [];
    const own = {
      open: (...args: Parameters<typeof fs.open>) => {
        calls.push("open");
        return fs.open(...args);
      },
      read: (...args: unknown[]) => {
        calls.push("read");
        return (fs.read as (...args: unknown[]) => void)(...args);
      },
      close: (fd: number, callback: nodeFs.NoParamCallback) => {
        calls.push("close");
        return fs.close(fd, callback);
      },
    };
    const told = await story(fs.createReadStream(at("f"), { fs: own as never }));
    return [told, calls];
  },
  "functions of one's own must be functions": ({ fs, at }) =>
    fs.createReadStream(at("f"), { fs: { open: 1 } as never }),
  "a wrong path": ({ fs }) => fs.createReadStream(5 as never),
  "async iteration that is left early closes the file": async ({ fs, at }) => {
    const stream = fs.createReadStream(at("f"), { highWaterMark: 2 });
    const chunks: string[] = [];
    for await (const chunk of stream) {
      chunks.push(String(chunk));
      break;
    }
    return [chunks, stream.destroyed];
  },
};

const WRITING: { readonly [name: string]: (ground: Ground) => unknown } = {
  plain: writing(undefined),
  "a new file": writing(undefined, "new"),
  "an encoding": writing("latin1", "f", ["äöü"]),
  "encoding hex": writing({ encoding: "hex" }, "f", ["00ff"]),
  append: writing({ flags: "a" }),
  "start in a file that is kept": writing({ flags: "r+", start: 3 }),
  "start beyond the end leaves zeros": writing({ flags: "r+", start: 20 }),
  "start that is no number": writing({ start: "1" }),
  mode: writing({ mode: 0o600 }, "new"),
  exclusive: writing({ flags: "wx" }),
  "a directory": writing(undefined, "d"),
  "in a directory that is not there": writing(undefined, "nope/f"),
  flush: writing({ flush: true }),
  "flush that is no boolean": writing({ flush: "yes" }),
  "many pieces and a small highWaterMark": writing(
    { highWaterMark: 2 },
    "f",
    Array.from({ length: 50 }, (_, at) => `piece ${at}\n`),
  ),
  "backpressure: write says when to wait, drain says when to go on": async ({ fs, at }) => {
    const stream = fs.createWriteStream(at("f"), { highWaterMark: 3 });
    const said = [stream.write("ab"), stream.write("cd")];
    await new Promise<void>((resolve) => stream.once("drain", resolve));
    stream.end("e");
    return [said, await story(stream)];
  },
  "cork makes one writev": async ({ fs, at }) => {
    const stream = fs.createWriteStream(at("f"));
    stream.cork();
    for (const piece of ["a", "b", "c"]) stream.write(piece);
    stream.uncork();
    stream.end();
    return [await story(stream), stream.bytesWritten];
  },
  "a descriptor with autoClose false": async (ground) => {
    const fd = ground.fd("f", "r+");
    const stream = ground.fs.createWriteStream("", { fd, autoClose: false });
    stream.end("HELLO");
    await new Promise<void>((resolve) => stream.on("finish", resolve));
    return ground.fs.fstatSync(fd).size;
  },
  "an abort signal": async ({ fs, at }) => {
    const controller = new AbortController();
    const stream = fs.createWriteStream(at("f"), { signal: controller.signal });
    const told = story(stream);
    controller.abort();
    return told;
  },
  "pipeline from one file to another": async ({ fs, at }) => {
    await pipeline(fs.createReadStream(at("x")), fs.createWriteStream(at("new"), { mode: 0o755 }));
  },
  "pipeline into a directory that is not there": ({ fs, at }) =>
    pipeline(fs.createReadStream(at("x")), fs.createWriteStream(at("nope/new"))),
  "write after end": async ({ fs, at }) => {
    const stream = fs.createWriteStream(at("f"));
    stream.end("x");
    const told = story(stream);
    stream.write("y");
    return told;
  },
};

describe("reading", () => {
  test.each(Object.entries(READING))("%s", async (_name, scenario) => {
    await same(scenario);
  });
});

describe("writing", () => {
  test.each(Object.entries(WRITING))("%s", async (_name, scenario) => {
    await same(scenario);
  });
});

type Make<T> = (path: string) => T;
type StreamClass<T> = new (path: string) => T;

/** The classes as they are and not as their types are: those take no arguments and lack two names. */
function classes(fs: object) {
  return fs as {
    readonly ReadStream: StreamClass<nodeFs.ReadStream>;
    readonly WriteStream: StreamClass<nodeFs.WriteStream>;
    readonly FileReadStream: StreamClass<nodeFs.ReadStream>;
    readonly FileWriteStream: StreamClass<nodeFs.WriteStream>;
  };
}

describe("classes", () => {
  test("instances are Node's streams and of the face's own classes, with and without new", async () => {
    const fs = newFs();
    fs.writeFileSync("/f", "text");
    const { ReadStream, WriteStream, FileReadStream, FileWriteStream } = classes(fs);
    const made = [
      [fs.createReadStream("/f"), ReadStream, nodeFs.ReadStream, Readable],
      [new ReadStream("/f"), ReadStream, nodeFs.ReadStream, Readable],
      [(ReadStream as unknown as Make<Readable>)("/f"), ReadStream, nodeFs.ReadStream, Readable],
      [fs.createWriteStream("/g"), WriteStream, nodeFs.WriteStream, Writable],
      [new WriteStream("/g"), WriteStream, nodeFs.WriteStream, Writable],
    ] as const;
    for (const [stream, ...classes] of made) {
      for (const each of classes) expect(stream).toBeInstanceOf(each);
      expect(stream.constructor.name).toBe(classes[0].name);
      stream.destroy();
    }
    expect([FileReadStream, FileWriteStream].map((each) => each.name)).toEqual(["ReadStream", "WriteStream"]);
    expect([ReadStream.name, WriteStream.name]).toEqual(["ReadStream", "WriteStream"]);
  });

  test("what is put on the face's class stays out of Node's", () => {
    const fs = newFs();
    Object.assign(fs.ReadStream.prototype, { marked: true });
    expect("marked" in nodeFs.ReadStream.prototype).toBe(false);
  });

  test("a class made of it keeps its own methods", async () => {
    const fs = newFs();
    fs.writeFileSync("/f", "text");
    class Loud extends classes(fs).ReadStream {
      loud(): string {
        return String(this.read()).toUpperCase();
      }
    }
    const stream = new Loud("/f");
    await new Promise<void>((resolve) => stream.once("readable", resolve));
    expect(stream.loud()).toBe("TEXT");
    stream.destroy();
  });

  test("a large file goes through in order", async () => {
    const fs = newFs();
    const content = Buffer.from(Array.from({ length: 400_000 }, (_, at) => at % 251));
    await pipeline(
      Readable.from([content.subarray(0, 150_000), content.subarray(150_000)]),
      fs.createWriteStream("/big"),
    );
    const chunks: Buffer[] = [];
    for await (const chunk of fs.createReadStream("/big")) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).equals(content)).toBe(true);
  });
});
