/**
 * Lowers that uppers are tested on.
 */
import { applyLayers } from "../../../src/layer/apply.ts";
import type { Tree } from "../../../src/tree/tree.ts";
import { dir, file, hard, layer, link } from "../../layer/build.ts";

/** A little of everything. The same digest each time, in every process. */
export function smallTree(): Tree {
  const made = layer(
    dir("etc"),
    file("etc/motd", "hello\n"),
    file("etc/big", "0123456789abcdef".repeat(1000)),
    dir("usr"),
    dir("usr/bin"),
    file("usr/bin/tool", "tool", { mode: 0o755 }),
    hard("usr/bin/alias", "usr/bin/tool"),
    link("bin", "usr/bin"),
  );
  return applyLayers([{ ...made, diffID: `sha256:${"1".padStart(64, "0")}` }]);
}
