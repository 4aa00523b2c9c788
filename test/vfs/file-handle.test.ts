/**
 * `FileHandle`: every member, against Node's.
 */
import type * as nodeFs from "node:fs";
import { describe, expect, test } from "vitest";
import { type Ground, newFs } from "./ground.ts";
import { failure, same } from "./same.ts";

type Handle = nodeFs.promises.FileHandle;

/** Opens a file for the scenario and closes it afterwards. */
function withHandle(flags: string | number, use: (handle: Handle, ground: Ground) => unknown, name = "f") {
  return async (ground: Ground) => {
    const handle = await ground.fs.promises.open(ground.at(name), flags);
    try {
      return await use(handle, ground);
    } finally {
      await handle.close();
    }
  };
}

async function collect(stream: AsyncIterable<unknown>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += Buffer.from(chunk as Uint8Array).toString("latin1");
  return text;
}

async function* later(...pieces: unknown[]) {
  for (const piece of pieces) {
    await new Promise((resolve) => setImmediate(resolve));
    yield piece;
  }
}

const SCENARIOS: { readonly [name: string]: (ground: Ground) => unknown } = {
  "fd and getAsyncId are numbers, and fd is -1 after close": async ({ fs, at }) => {
    const handle = await fs.promises.open(at("f"));
    const open = [handle.fd > 2, typeof (handle as unknown as { getAsyncId(): number }).getAsyncId()];
    await handle.close();
    return [...open, handle.fd, await handle.close()];
  },
  "close tells by an event": async ({ fs, at }) => {
    const handle = await fs.promises.open(at("f"));
    let closed = 0;
    (handle as unknown as NodeJS.EventEmitter).on("close", () => closed++);
    await Promise.all([handle.close(), handle.close()]);
    return closed;
  },
  "read: a buffer with its range": withHandle("r", async (handle) => [
    await handle.read(Buffer.alloc(6), 1, 4, 2),
    await handle.read(Buffer.alloc(4), 0, 4, null),
    await handle.read(Buffer.alloc(4), 0, 4),
    await handle.read(Buffer.alloc(4), 2),
    await handle.read(new Uint16Array(2), 0, 4, 0),
  ]),
  "read: options in the place of the range": withHandle("r", async (handle) => [
    await handle.read(Buffer.alloc(6), { offset: 1, length: 4, position: 2 }),
    await handle.read({ buffer: Buffer.alloc(4), position: 6 }),
    await handle.read(Buffer.alloc(4), { position: 1n }),
  ]),
  "read: nothing given makes a buffer": withHandle("r", async (handle) => {
    const { bytesRead, buffer } = await handle.read();
    return [bytesRead, buffer.length, buffer.toString("latin1", 0, bytesRead)];
  }),
  "read: at the end, of nothing, beyond the buffer": withHandle("r", async (handle) => [
    await handle.read(Buffer.alloc(4), 0, 4, 100),
    await handle.read(Buffer.alloc(4), 0, 0, 0),
    await failure(() => handle.read(Buffer.alloc(4), 0, 5, 0)),
    await failure(() => handle.read(Buffer.alloc(4), 5, 1, 0)),
    await failure(() => handle.read(Buffer.alloc(0))),
    await failure(() => handle.read("text" as never)),
  ]),
  "write: an empty string is written, an empty buffer is not": withHandle("r", async (handle) => [
    await failure(() => handle.write("", null)),
    await failure(() => handle.write(Buffer.alloc(0), 0, 0, null)),
  ]),
  "readv and writev": withHandle("r+", async (handle) => [
    await handle.readv([Buffer.alloc(3), Buffer.alloc(4)], 1),
    await handle.readv([Buffer.alloc(3)]),
    await handle.writev([Buffer.from("ab"), new Uint16Array([0x4142])], 2),
    await handle.writev([Buffer.from("cd")]),
    await handle.writev([]),
    await failure(() => handle.readv("no" as never)),
  ]),
  "write: buffers and strings": withHandle("r+", async (handle) => [
    await handle.write(Buffer.from("bytes")),
    await handle.write(Buffer.from("bytes"), 1, 2, 8),
    await handle.write(Buffer.from("bytes"), { offset: 3, length: 2, position: 20 } as never),
    await handle.write("text", 3),
    await handle.write("tëxt", null, "latin1"),
    await handle.write(""),
    await failure(() => handle.write(5 as never)),
    await failure(() => handle.write({} as never)),
    await failure(() => handle.write(Buffer.from("x"), 9)),
  ]),
  "readFile goes on from where the handle stands": withHandle("r", async (handle) => {
    await handle.read(Buffer.alloc(3), 0, 3, null);
    return [
      await handle.readFile("utf8"),
      await handle.readFile(),
      await handle.readFile({ encoding: "hex" }),
    ];
  }),
  "readFile of a directory, with a wrong encoding": withHandle(
    "r",
    async (handle) => [
      await failure(() => handle.readFile()),
      await failure(() => handle.readFile("no" as never)),
    ],
    "d",
  ),
  "writeFile and appendFile write where the handle stands": withHandle("r+", async (handle) => {
    await handle.writeFile("HE");
    await handle.writeFile(Buffer.from("L"));
    await handle.appendFile("ß", "latin1");
    return handle.readFile("latin1");
  }),
  "writeFile takes iterables and streams": withHandle("w", async (handle, { fs, at }) => {
    await handle.writeFile(later("a", Buffer.from("b"), new Uint8Array([99])) as never);
    await handle.writeFile(["d", "e"] as never);
    await handle.appendFile(fs.createReadStream(at("x")) as never);
    await failure(() => handle.writeFile(5 as never));
  }),
  "writeFile of an iterable that fails keeps what came before": withHandle("w", async (handle) => {
    async function* broken() {
      yield "before";
      throw new Error("no more");
    }
    return failure(() => handle.writeFile(broken() as never));
  }),
  "an aborted signal": withHandle("r+", async (handle) => {
    const signal = AbortSignal.abort();
    return [
      await failure(() => handle.readFile({ signal })),
      await failure(() => handle.writeFile("no", { signal } as never)),
      await failure(() => handle.writeFile(later("no") as never, { signal } as never)),
    ];
  }),
  "stat, chmod, chown, utimes, truncate, sync, datasync": withHandle("r+", async (handle) => [
    await handle.stat(),
    await handle.stat({ bigint: true }),
    await handle.chmod(0o600),
    await handle.chown(process.getuid!(), process.getgid!()),
    await handle.utimes(1_000_000_123.5, new Date(1_234_567_890_123)),
    await handle.truncate(4),
    await handle.truncate(6),
    await handle.sync(),
    await handle.datasync(),
    await handle.stat(),
    await handle.truncate(),
    await failure(() => handle.chmod("zz")),
    await failure(() => handle.chown("a" as never, 0)),
    await failure(() => handle.utimes("a", 0)),
    await failure(() => handle.truncate("1" as never)),
  ]),
  "after close everything is EBADF, with the name of what was asked": async ({ fs, at }) => {
    const handle = await fs.promises.open(at("f"));
    await handle.close();
    const calls: (() => unknown)[] = [
      () => handle.read(Buffer.alloc(1)),
      () => handle.readv([Buffer.alloc(1)]),
      () => handle.write("x"),
      () => handle.writev([Buffer.from("x")]),
      () => handle.readFile(),
      () => handle.writeFile("x"),
      () => handle.appendFile("x"),
      () => handle.stat(),
      () => handle.chmod(0o600),
      () => handle.chown(0, 0),
      () => handle.utimes(1, 1),
      () => handle.truncate(),
      () => handle.sync(),
      () => handle.datasync(),
      () => handle.readableWebStream(),
      () => handle.createReadStream(),
      () => fs.promises.readFile(handle),
      () => fs.promises.writeFile(handle, "x"),
    ];
    return Promise.all(calls.map(failure));
  },
  readLines: withHandle("r+", async (handle) => {
    await handle.truncate(0);
    await handle.write("one\r\ntwo\nthree", 0);
    const lines: string[] = [];
    for await (const line of handle.readLines({ start: 0 } as never)) lines.push(line);
    return [lines, handle.fd];
  }),
  "readLines that is left early closes the handle": async ({ fs, at }) => {
    const handle = await fs.promises.open(at("f"));
    const lines: string[] = [];
    for await (const line of handle.readLines()) {
      lines.push(line);
      break;
    }
    return lines;
  },
  "createReadStream: a range, and the handle closes with it": async ({ fs, at }) => {
    const handle = await fs.promises.open(at("f"));
    const stream = handle.createReadStream({ start: 2, end: 7, highWaterMark: 3 });
    const text = await collect(stream);
    await new Promise((resolve) => setTimeout(resolve, 5));
    return [text, handle.fd, stream.bytesRead];
  },
  "createReadStream with autoClose false leaves the handle open": withHandle("r", async (handle) => {
    const text = await collect(handle.createReadStream({ autoClose: false, start: 0 }));
    return [text, handle.fd > 2, await handle.readFile("utf8")];
  }),
  createWriteStream: async ({ fs, at }) => {
    const handle = await fs.promises.open(at("f"), "r+");
    const stream = handle.createWriteStream({ start: 3 });
    stream.write("ab");
    stream.end("cd");
    await new Promise<void>((resolve) => stream.on("close", resolve));
    return [stream.bytesWritten, handle.fd];
  },
  "a stream keeps the handle open until it has ended": async ({ fs, at }) => {
    const handle = await fs.promises.open(at("f"));
    const stream = handle.createReadStream();
    const order: string[] = [];
    stream.on("close", () => order.push("stream"));
    const closing = handle.close().then(() => order.push("handle"));
    await collect(stream).catch(() => order.push("cut off"));
    await closing;
    return [order.includes("handle"), handle.fd];
  },
  readableWebStream: withHandle("r", async (handle) => {
    const stream = handle.readableWebStream();
    return collect(stream as unknown as AsyncIterable<unknown>);
  }),
  "readableWebStream twice, or while closing": async ({ fs, at }) => {
    const handle = await fs.promises.open(at("f"));
    handle.readableWebStream();
    const twice = await failure(() => handle.readableWebStream());
    return twice;
  },
  "promises.readFile, writeFile and appendFile take a handle": withHandle("r+", async (handle, { fs }) => [
    await fs.promises.readFile(handle, "utf8"),
    await fs.promises.writeFile(handle, "written"),
    await fs.promises.appendFile(handle, "appended"),
  ]),
};

describe("as Node's", () => {
  test.each(Object.entries(SCENARIOS))("%s", async (_name, scenario) => {
    await same(scenario);
  });
});

describe("what Node 20 has only in part", () => {
  test("await using closes a handle: Symbol.asyncDispose", async () => {
    const fs = newFs();
    fs.writeFileSync("/f", "");
    const handle = await fs.promises.open("/f");
    await (handle as unknown as AsyncDisposable)[Symbol.asyncDispose]();
    expect(handle.fd).toBe(-1);
  });

  test("a web stream with autoClose closes the handle at its end", async () => {
    const fs = newFs();
    fs.writeFileSync("/f", "x".repeat(100_000));
    const handle = await fs.promises.open("/f");
    const stream = handle.readableWebStream({ autoClose: true } as never);
    expect((await collect(stream as unknown as AsyncIterable<unknown>)).length).toBe(100_000);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(handle.fd).toBe(-1);
  });

  test("a web stream given up gives the handle back", async () => {
    const fs = newFs();
    fs.writeFileSync("/f", "text");
    const handle = await fs.promises.open("/f");
    const reader = handle.readableWebStream().getReader();
    await reader.cancel();
    await handle.close();
    expect(handle.fd).toBe(-1);
  });
});
