/**
 * Where a store is and when things are made, where nobody says otherwise.
 */
import { expect, test } from "vitest";
import {
  creationTime,
  formatTime,
  hostPlatform,
  sourceDate,
  storeDirectory,
} from "../../src/runtime/environment.ts";

test.each([
  ["/asked", { STRATAFS_ROOT: "/env" }, "/asked"],
  ["/a/../b/", {}, "/b"],
  [undefined, { STRATAFS_ROOT: "/env", XDG_DATA_HOME: "/data" }, "/env"],
  [undefined, { XDG_DATA_HOME: "/data", HOME: "/home/me" }, "/data/stratafs"],
  [undefined, { XDG_DATA_HOME: "relative", HOME: "/home/me" }, "/home/me/.local/share/stratafs"],
  [undefined, { STRATAFS_ROOT: "", XDG_DATA_HOME: "", HOME: "/home/me" }, "/home/me/.local/share/stratafs"],
])("the store's directory: asked %j, environment %j", (asked, env, expected) => {
  expect(storeDirectory(asked, env)).toBe(expected);
});

test("SOURCE_DATE_EPOCH wins over what was asked for, that over now", () => {
  expect(creationTime(5n, { SOURCE_DATE_EPOCH: "7" })).toBe(7_000_000_000n);
  expect(creationTime(5n, {})).toBe(5n);
  expect(Number(creationTime(undefined, {}) / 1_000_000n)).toBeGreaterThan(Date.now() - 5000);
  expect(sourceDate({ SOURCE_DATE_EPOCH: "" })).toBeUndefined();
  expect(formatTime(sourceDate({ SOURCE_DATE_EPOCH: "253402300799" })!)).toBe("9999-12-31T23:59:59Z");
  for (const text of ["x", "-1", "1.5", "1e3", "253402300800", "999999999999"]) {
    expect(() => sourceDate({ SOURCE_DATE_EPOCH: text })).toThrow("not a number of seconds");
  }
});

test.each([
  [0n, "1970-01-01T00:00:00Z"],
  [1_700_000_000_000_000_000n, "2023-11-14T22:13:20Z"],
  [1_700_000_000_120_000_000n, "2023-11-14T22:13:20.12Z"],
  [-1n, "1969-12-31T23:59:59.999999999Z"],
])("%d nanoseconds are %s", (time, expected) => {
  expect(formatTime(time)).toBe(expected);
});

test("images for Linux run here", () => {
  expect(hostPlatform().os).toBe("linux");
});
