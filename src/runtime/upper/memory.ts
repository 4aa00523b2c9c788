/**
 * Uppers in memory: for tests, for the browser, and as the plain statement of what `disk.ts` does.
 */
import { platform } from "#platform";
import { makeCaller } from "../../posix/caller.ts";
import type { Tree } from "../../tree/tree.ts";
import { createMount, mountOf } from "../../union/mount.ts";
import { Snapshot } from "../../union/snapshot.ts";
import { Union } from "../../union/union.ts";
import { View } from "../../union/view.ts";
import { CLOSED } from "./closed.ts";
import { namedPart, usageOf } from "./named-part.ts";
import {
  busyError,
  type Holder,
  mismatchError,
  type Upper,
  UpperError,
  type UpperOptions,
  type UpperReader,
  type UpperStore,
} from "./upper.ts";

interface Kept {
  /** The last commit point. */
  committed: View;
  holder: Holder | undefined;
}

/** A store whose uppers end with the process. */
export function memoryUppers(): UpperStore {
  const uppers = new Map<string, Kept>();

  function find(at: string, tree?: Tree): Kept {
    const kept = uppers.get(at);
    if (kept === undefined) throw new UpperError("missing", `no container at ${at}`);
    if (tree !== undefined && kept.committed.tree.chainID !== tree.chainID) {
      throw mismatchError(at, kept.committed.tree.chainID ?? "", tree.chainID ?? "");
    }
    return kept;
  }

  function add(at: string, view: View): void {
    if (uppers.has(at)) throw new UpperError("exists", `there is a container at ${at} already`);
    uppers.set(at, { committed: view, holder: undefined });
  }

  return {
    create: (at, tree) => add(at, new View(tree)),
    fork: (at, to) => add(to, find(at).committed),
    open(at, tree, options = {}) {
      const kept = find(at, tree);
      if (kept.holder !== undefined) throw busyError(at, kept.holder);
      const upper = openKept(kept, options);
      kept.holder = { pid: process.pid, since: Date.now() };
      return upper;
    },
    read(at, tree, options = {}): UpperReader {
      const view = namedPart(find(at, tree).committed);
      const snapshot = new Snapshot(view, usageOf(view));
      return { mount: createMount(snapshot, { ...options, readOnly: true }), close() {} };
    },
    remove(at) {
      const kept = find(at);
      if (kept.holder !== undefined) throw busyError(at, kept.holder);
      uppers.delete(at);
    },
  };
}

function openKept(kept: Kept, options: UpperOptions): Upper {
  const view = namedPart(kept.committed);
  const union = new Union(view, options.clock ?? platform.now, options.limits ?? {}, usageOf(view));
  const commit = () => {
    kept.committed = union.freeze();
  };
  const memory = { residentPages: Number.POSITIVE_INFINITY, spill: () => 0, sync: commit };
  union.backing = memory;
  const end = () => {
    union.backing = CLOSED;
    kept.holder = undefined;
  };
  return {
    mount: mountOf(union, false, makeCaller(options.caller ?? {})),
    commit: () => union.backing?.sync(),
    close() {
      if (union.backing !== memory) return;
      commit();
      end();
    },
    discard() {
      if (union.backing === memory) end();
    },
  };
}
