/**
 * The browser's side of the seam, as far as Node has the same interfaces. In Chromium it runs in
 * `test/browser`; here it meets sources in pieces, that fail, and that are given up.
 */

import * as path from "node:path";
import * as url from "node:url";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { platform } from "../../src/platform/browser.ts";
import { Buffer as BrowserBuffer, fileURLToPath } from "../../src/platform/browser-builtins.ts";
import { posix } from "../../src/platform/browser-paths.ts";

const parts = [
  Buffer.from("first ".repeat(50_000)),
  Buffer.from("second ".repeat(50_000)),
  Buffer.from("end"),
];
const members = Buffer.concat(parts.map((part) => gzipSync(part)));

function inPieces(bytes: Uint8Array, size: number, seen: { ended: boolean }, error?: Error) {
  return (async function* () {
    try {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      if (error !== undefined) throw error;
    } finally {
      seen.ended = true;
    }
  })();
}

async function all(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk.slice());
  return Buffer.concat(chunks);
}

describe("gunzip in a browser (rule 44)", () => {
  it.each([1, 7, 100, 1000, 1 << 20])("all members, in pieces of %i bytes", async (size) => {
    const seen = { ended: false };
    const stream = platform.gunzip(inPieces(members, size, seen));
    expect((await all(stream)).equals(Buffer.concat(parts))).toBe(true);
    expect(seen.ended).toBe(true);
  });

  it("gives the source's own error, and ends a source that is given up", async () => {
    const error = new Error("the network is gone");
    const seen = { ended: false };
    await expect(all(platform.gunzip(inPieces(members.subarray(0, 50), 10, seen, error)))).rejects.toBe(
      error,
    );
    seen.ended = false;
    for await (const _ of platform.gunzip(inPieces(members, 10, seen))) break;
    expect(seen.ended).toBe(true);
  });

  it("refuses what is cut short and what follows the last member", async () => {
    for (const bytes of [members.subarray(0, -1), Buffer.concat([members, Buffer.from("x")])]) {
      await expect(all(platform.gunzip(inPieces(bytes, 100, { ended: false })))).rejects.toThrow();
    }
  });
});

describe("Buffer in a browser", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => (i * 37) % 256);
  it.each(["utf8", "latin1", "binary", "ascii", "hex", "base64", "base64url", "utf16le"] as const)(
    "%s",
    (name) => {
      expect(BrowserBuffer.from(bytes).toString(name)).toBe(Buffer.from(bytes).toString(name));
      for (const text of [
        "",
        "größe",
        "a",
        "ab==",
        "abcd-_",
        "6",
        "61zz62",
        "YWI",
        ...(name.startsWith("base64") ? [] : ["𝄞\ud800x"]),
      ]) {
        const expected = Array.from(Buffer.from(text, name));
        expect(Array.from(BrowserBuffer.from(text, name)), text).toEqual(expected);
      }
    },
  );

  it("views, copies and joins", () => {
    const { buffer } = bytes;
    expect(BrowserBuffer.from(buffer, 3, 4)).toHaveLength(4);
    expect(BrowserBuffer.from(buffer, 3, 4).buffer).toBe(buffer);
    expect(BrowserBuffer.from(bytes).buffer).not.toBe(buffer);
    expect(BrowserBuffer.concat([bytes, bytes]).toString("hex")).toBe(
      Buffer.concat([bytes, bytes]).toString("hex"),
    );
  });
});

describe("paths in a browser", () => {
  const PATHS = [
    "",
    "/",
    "//",
    ".",
    "..",
    "a",
    "a/",
    "/a",
    "/a/b/",
    "a/../..",
    "/../a",
    "a//b/./c",
    "./a/",
    "/..",
  ];
  it.each(PATHS)("%j as node:path/posix has it", (one) => {
    expect(posix.normalize(one)).toBe(path.posix.normalize(one));
    expect(posix.dirname(one)).toBe(path.posix.dirname(one));
    expect(posix.basename(one)).toBe(path.posix.basename(one));
    for (const other of PATHS) {
      expect(posix.join(one, other)).toBe(path.posix.join(one, other));
      expect(posix.resolve("/cwd", one, other)).toBe(path.posix.resolve("/cwd", one, other));
    }
  });

  it("file URLs", () => {
    for (const one of ["file:///a/b%20c", "file:///gr%C3%B6%C3%9Fe", "file:///a/../b/"]) {
      expect(fileURLToPath(new URL(one))).toBe(url.fileURLToPath(one));
    }
    expect(() => fileURLToPath(new URL("http://x/"))).toThrow("scheme");
    expect(() => fileURLToPath(new URL("file:///a%2fb"))).toThrow("encoded /");
  });
});
