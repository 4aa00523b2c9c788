/**
 * Sizes, durations and columns in Docker's words (go-units, text/tabwriter).
 */
import { expect, test } from "vitest";
import { alignColumns } from "../../src/cli/table.ts";
import { createdAt, createdSince, goTime, humanDuration, humanSize } from "../../src/cli/units.ts";

test.each([
  [0, "0B"],
  [4, "4B"],
  [999, "999B"],
  [1000, "1kB"],
  [1024, "1.02kB"],
  [12_345, "12.3kB"],
  [999_499, "999kB"],
  [999_999, "1MB"],
  [1_982_504, "1.98MB"],
  [117_000_000, "117MB"],
  [1_500_000_000, "1.5GB"],
  [2 ** 53 - 1, "9.01PB"],
])("%d bytes are %s", (bytes, expected) => {
  expect(humanSize(bytes)).toBe(expected);
});

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test.each([
  [0, "Less than a second"],
  [999, "Less than a second"],
  [SECOND, "1 second"],
  [47 * SECOND, "47 seconds"],
  [MINUTE, "About a minute"],
  [119 * SECOND, "About a minute"],
  [3 * MINUTE, "3 minutes"],
  [59 * MINUTE + 59 * SECOND, "59 minutes"],
  [HOUR, "About an hour"],
  [90 * MINUTE, "2 hours"],
  [47 * HOUR, "47 hours"],
  [48 * HOUR, "2 days"],
  [13 * DAY, "13 days"],
  [14 * DAY, "2 weeks"],
  [59 * DAY, "8 weeks"],
  [60 * DAY, "2 months"],
  [729 * DAY, "24 months"],
  [730 * DAY, "2 years"],
  [-5 * SECOND, "Less than a second"],
])("%d milliseconds are %s", (milliseconds, expected) => {
  expect(humanDuration(milliseconds)).toBe(expected);
});

test("times of images", () => {
  const now = Date.parse("2026-11-21T01:16:05.5Z");
  expect(createdSince("2026-11-21T01:16:00.123456789Z", now)).toBe("5 seconds ago");
  expect(createdSince("2026-11-21T02:16:00+01:00", now)).toBe("5 seconds ago");
  expect([undefined, "soon", "0001-01-01T00:00:00Z"].map((time) => createdSince(time, now))).toEqual([
    "N/A",
    "N/A",
    "N/A",
  ]);
  expect([createdAt("2026-11-21T01:16:00.9Z"), createdAt(undefined)]).toEqual(["2026-11-21T01:16:00Z", ""]);
  expect(goTime("2026-11-21T01:16:00.9Z")).toBe("2026-11-21 01:16:00 +0000 UTC");
});

test("columns are ten wide at least, three apart, and the last is left alone", () => {
  expect(alignColumns(["A\tB\tC", "1234567\t12345678\tx", "\t…\t"])).toEqual([
    "A         B          C",
    "1234567   12345678   x",
    "          …          ",
  ]);
  expect(alignColumns([])).toEqual([]);
  expect(alignColumns(["alone"])).toEqual(["alone"]);
});
