/** Shell text: every byte string has one text and comes back from it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nameFromBytes } from "../../src/posix/names.ts";
import {
  bytesFromPipe,
  bytesFromText,
  isMarked,
  markPath,
  nameFromText,
  pipeFromBytes,
  textFromBytes,
  textFromName,
  unmarkPaths,
} from "../../src/vfs/shell/text.ts";

describe("shell text", () => {
  it("brings every byte string back, as text and through a pipe", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(bytesFromText(textFromBytes(bytes))).toEqual(bytes);
        expect(bytesFromPipe(pipeFromBytes(bytes))).toEqual(bytes);
        const name = nameFromBytes(bytes);
        expect(nameFromText(textFromName(name))).toBe(name);
      }),
    );
  });

  it("has one character for a byte, as the POSIX locale has", () => {
    expect(textFromName("é€")).toHaveLength(5);
  });

  it("loses the mark of a path where text becomes bytes", () => {
    const { path } = markPath("/usr/bin/x");
    expect(isMarked(path)).toBe(true);
    expect(unmarkPaths(`${path}/y`)).toBe("/usr/bin/x/y");
    expect(nameFromText(path)).toBe("/usr/bin/x");
  });
});
