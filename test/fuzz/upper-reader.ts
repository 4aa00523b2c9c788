/**
 * A process that reads uppers for the fuzzer: lmdb may take it down when its file is damaged. It gets a
 * folder in a message and answers with what the upper there shows, or with how it was refused.
 */
import { diskUppers } from "../../src/runtime/upper/disk.ts";
import { recordedSnapshot } from "../property/recorded.ts";
import { smallTree } from "../runtime/upper/trees.ts";
import { isPromised } from "./target.ts";

export type Answer =
  | { readonly shows: readonly (readonly [string, string])[] }
  | { readonly refused: string }
  | { readonly fault: string };

export function readUpper(at: string): Answer {
  try {
    const reader = diskUppers.read(at, smallTree());
    try {
      return { shows: [...recordedSnapshot(reader.mount.snapshot())] };
    } finally {
      reader.close();
    }
  } catch (error) {
    return isPromised(error)
      ? { refused: String(error) }
      : { fault: (error as Error).stack ?? String(error) };
  }
}

/** Answers until the other side goes. */
export function serve(): void {
  process.on("message", (at: string) => process.send?.(readUpper(at)));
  process.on("disconnect", () => process.exit(0));
}
