/**
 * Real images against what umoci unpacks of them.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { applyLayers } from "../../src/layer/apply.ts";
import { IMAGES, imagePath, needs } from "../requirements.ts";
import { imageLayers, treeDump } from "./images.ts";

const TREEDUMP = fileURLToPath(new URL("../../../shared/tools/treedump.py", import.meta.url));

/** The lines of one list that the other does not have, both ways. */
function difference(ours: readonly string[], theirs: readonly string[]) {
  const [mine, other] = [new Set(ours), new Set(theirs)];
  return {
    ours: ours.filter((line) => !other.has(line)),
    theirs: theirs.filter((line) => !mine.has(line)),
  };
}

/** What treedump.py says of the tree that umoci unpacks. */
function unpacked(image: string): string[] {
  const bundle = mkdtempSync(join(tmpdir(), "unpacked-"));
  try {
    execFileSync("umoci", ["unpack", "--image", `${imagePath(image)}:latest`, join(bundle, "b")], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const dump = execFileSync("python3", [TREEDUMP, join(bundle, "b", "rootfs")], { maxBuffer: 1 << 26 });
    return dump.toString().trimEnd().split("\n");
  } finally {
    rmSync(bundle, { recursive: true, force: true });
  }
}

describe.skipIf(needs.image("torture-bb"))("torture-bb", () => {
  test("is what umoci unpacks, except where the rules say that umoci is wrong", async () => {
    const ours = treeDump(applyLayers(await imageLayers("torture-bb")));
    const theirs = readFileSync(join(IMAGES, "torture-bb.tree.txt"), "utf8").trimEnd().split("\n");
    expect(ours.length).toBe(theirs.length);
    const { ours: kept, theirs: lost } = difference(ours, theirs);
    expect(kept.map((line) => line.slice(0, line.indexOf(" ")))).toEqual([
      "b'/torture/times/y2300'",
      "b'/torture/xattr/user'",
    ]);
    // Rule 35: a time is what the archive says; the filesystem that umoci unpacked to wrapped it.
    expect(kept[0]!.replace("mt=10413792000.000000000", "mt=-2147483648.000000000")).toBe(lost[0]);
    // Rule 37: an empty value is a value; umoci drops the whole xattr.
    expect(kept[1]!.replace("user.empty=,", "")).toBe(lost[1]);
  });

  test.skipIf(needs.image("torture-bb-zstd"))(
    "rule 44: gzip and zstd give the same chain and tree",
    async () => {
      const gzip = applyLayers(await imageLayers("torture-bb"));
      const zstd = applyLayers(await imageLayers("torture-bb-zstd"));
      expect(zstd.chainID).toBe(gzip.chainID);
      expect(treeDump(zstd)).toEqual(treeDump(gzip));
    },
  );
});

const TOOLS = needs.tool("umoci", "umoci") ?? needs.tool("python3", "python3") ?? needs.root();

describe.each(["deep125", "debian-base", "busybox"])("%s", (image) => {
  test.skipIf(TOOLS ?? needs.image(image))("is what umoci unpacks", async () => {
    const ours = treeDump(applyLayers(await imageLayers(image)));
    expect(difference(ours, unpacked(image))).toEqual({ ours: [], theirs: [] });
  });
});
