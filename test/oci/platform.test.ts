/**
 * Choosing a manifest by platform (image-spec image-index.md; `unknown/unknown` never).
 */
import { expect, test } from "vitest";
import type { Descriptor, DescriptorPlatform } from "../../src/oci/descriptor.ts";
import { digestOf } from "../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../src/oci/media-types.ts";
import { formatPlatform, parsePlatform, selectManifest } from "../../src/oci/platform.ts";

function entry(text: string | undefined, mediaType: string = OCI_MANIFEST): Descriptor {
  const [os, architecture, variant] = text?.split("/") ?? [];
  const platform: DescriptorPlatform | undefined =
    text === undefined ? undefined : { os, architecture, variant };
  return { mediaType, digest: digestOf(new TextEncoder().encode(`${text}`)), size: 1, platform };
}

test.each<[string, (string | undefined)[], string, string | undefined | null]>([
  ["the first that matches", ["linux/arm64", "linux/amd64", "linux/amd64"], "linux/amd64", "1"],
  ["none", ["linux/arm64", "windows/amd64"], "linux/amd64", null],
  ["an entry without platform only as a fallback", [undefined, "linux/amd64"], "linux/amd64", "1"],
  ["the fallback", ["linux/arm64", undefined], "linux/amd64", "1"],
  ["attestations never", ["unknown/unknown"], "linux/amd64", null],
  ["attestations not even when asked for", ["unknown/unknown"], "unknown/unknown", null],
  ["arm64 is arm64/v8", ["linux/arm64/v8"], "linux/arm64", "0"],
  ["an older arm where the exact one is missing", ["linux/arm/v5", "linux/arm/v6"], "linux/arm", "1"],
  ["the exact arm before an older one listed first", ["linux/arm/v6", "linux/arm/v7"], "linux/arm/v7", "1"],
  ["never a newer arm", ["linux/arm/v7"], "linux/arm/v6", null],
  ["a newer amd64 runs the base one", ["linux/amd64"], "linux/amd64/v3", "0"],
  ["the base amd64 does not run a newer one", ["linux/amd64/v3"], "linux/amd64", null],
  ["names of uname are understood", ["linux/arm64"], "aarch64", "0"],
])("%s", (_name, platforms, wanted, expected) => {
  const entries = platforms.map((platform) => entry(platform));
  const selected = selectManifest(entries, parsePlatform(wanted));
  expect(selected).toBe(expected === null ? undefined : entries[Number(expected)]);
});

test("entries of unknown media types are passed over", () => {
  const entries = [entry("linux/amd64", "application/x-other"), entry("linux/amd64")];
  expect(selectManifest(entries, parsePlatform("amd64"))).toBe(entries[1]);
});

test("platforms as text", () => {
  expect(formatPlatform(parsePlatform("Linux/ARM64/v8"))).toBe("linux/arm64");
  expect(formatPlatform(parsePlatform("linux/arm/v6"))).toBe("linux/arm/v6");
  expect(formatPlatform(parsePlatform("x86_64"))).toBe("linux/amd64");
  expect(() => parsePlatform("a/b/c/d")).toThrow("invalid platform");
  expect(() => parsePlatform("linux/")).toThrow("invalid platform");
});
