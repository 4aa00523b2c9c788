/**
 * What differs between two page maps of one file, told by slots: whatever is the same object in both is
 * the same, and is not looked at, so the cost follows what was changed.
 */
import type { PageMap } from "../../union/page-map.ts";
import { type Branch, type Run, type Slot, span, WIDTH } from "../../union/page-slots.ts";

export interface SlotVisitor {
  /** A run that is only in the later map (`sign` 1) or only in the earlier one (−1). */
  run(run: Run, length: number, sign: 1 | -1): void;
  /** A branch below the root that is not the same: in both maps, or in one. */
  branch(level: number, index: number, before: Branch | undefined, after: Branch | undefined): void;
}

export function slotChanges(
  before: PageMap | undefined,
  after: PageMap | undefined,
  visitor: SlotVisitor,
): void {
  const old = before?.slots;
  const now = after?.slots;
  if (old !== undefined && now !== undefined && old.level === now.level) {
    compare(old.root, now.root, now.level, 0, true, visitor);
    return;
  }
  // Roots of different levels: a branch has another place in each, so everything goes and comes anew.
  if (old !== undefined) compare(old.root, undefined, old.level, 0, true, visitor);
  if (now !== undefined) compare(undefined, now.root, now.level, 0, true, visitor);
}

function compare(
  before: Slot | undefined,
  after: Slot | undefined,
  level: number,
  index: number,
  isRoot: boolean,
  visitor: SlotVisitor,
): void {
  if (before === after) return;
  if (before?.type === "run") visitor.run(before, span(level), -1);
  if (after?.type === "run") visitor.run(after, span(level), 1);
  const old = before?.type === "branch" ? before : undefined;
  const now = after?.type === "branch" ? after : undefined;
  if (old === undefined && now === undefined) return;
  if (!isRoot) visitor.branch(level, index, old, now);
  for (let i = 0; i < WIDTH; i++) {
    compare(old?.slots[i], now?.slots[i], level - 1, index * WIDTH + i, false, visitor);
  }
}
