/**
 * The judgement: one scenario on one kind of kernel mount and on ours, compared call by call and at the
 * end as a whole.
 */
import { applyLayer } from "../../src/layer/apply.ts";
import { layerFromBytes } from "../../src/layer/read.ts";
import { writeLayer } from "../../src/layer/write.ts";
import type { PackedTree } from "../../src/tree/packed.ts";
import { createMount } from "../../src/union/mount.ts";
import { allowance, type DifferenceName, refusal, settlement, spoiling } from "./differences.ts";
import { Session } from "./execute.ts";
import type { Kernel, MountKind } from "./kernel.ts";
import { lowerTree } from "./layers.ts";
import { withoutHardlinks } from "./lowers.ts";
import { recordTree, recordView } from "./recorded.ts";
import { NO_SUCH_CALLER, type Outcome, type Result, type Scenario, type TreeLine } from "./scenario.ts";
import { isTouched, readUpper } from "./upper.ts";

/** Where the two first differ. */
export interface Divergence {
  readonly mount: MountKind;
  /** Which call, from 0; or the whole view or the upper at the end. */
  readonly at: number | "tree" | "upper";
  /** Short, without paths: divergences of one kind have one cause, most likely. */
  readonly kind: string;
  readonly kernel: string;
  readonly ours: string;
}

export interface Judgement {
  readonly divergence: Divergence | undefined;
  /** How many calls the kernel did not refuse. */
  readonly succeeded: number;
  /** Which deliberate differences were met. */
  readonly differences: readonly DifferenceName[];
  /** Whether the comparison ended early, for one of them. */
  readonly spoilt: boolean;
}

/** What is run for a kind of mount: the default mount breaks hardlinks, so its lowers have none. */
export function scenarioFor(mount: MountKind, scenario: Scenario): Scenario {
  return mount === "default" ? { ...scenario, layers: withoutHardlinks(scenario.layers) } : scenario;
}

/** Runs a scenario on the kernel and on our mount. */
export async function judge(kernel: Kernel, mount: MountKind, scenario: Scenario): Promise<Judgement> {
  const run = scenarioFor(mount, scenario);
  const outcome = await kernel.run(mount, run);
  const lower = lowerTree(run.layers);
  const session = new Session(createMount(lower));
  const judgement = compareCalls(mount, run, outcome, session, kernel.protectedHardlinks);
  if (judgement.divergence !== undefined || judgement.spoilt) return judgement;
  const divergence =
    (await guarded(mount, "tree", () => compareTrees(mount, outcome.tree, session.tree()))) ??
    (await guarded(mount, "upper", () => compareUppers(mount, lower, session, outcome)));
  return { ...judgement, divergence };
}

/** What ours throws where it should show or write what it has is a divergence too. */
async function guarded(
  mount: MountKind,
  at: "tree" | "upper",
  compare: () => Divergence | undefined | Promise<Divergence | undefined>,
): Promise<Divergence | undefined> {
  try {
    return await compare();
  } catch (error) {
    return { mount, at, kind: `${at}: ours throws`, kernel: "shows it", ours: String(error) };
  }
}

/** A call on ours; what it throws that is no error of the filesystem is a fault. */
function attempt(call: () => Result): Result {
  try {
    return call();
  } catch (error) {
    return `throws ${error}`;
  }
}

function compareCalls(
  mount: MountKind,
  scenario: Scenario,
  kernel: Outcome,
  session: Session,
  protectedHardlinks: boolean,
): Judgement {
  const differences: DifferenceName[] = [];
  let succeeded = 0;
  for (const [at, operation] of scenario.operations.entries()) {
    const expected = kernel.results[at]!;
    if (expected === NO_SUCH_CALLER) continue;
    if (typeof expected !== "string") succeeded += 1;
    const moment = { mount, operation, kernel: expected, session, protectedHardlinks };
    const refused = refusal(moment);
    if (refused !== undefined) {
      differences.push(refused);
      continue;
    }
    const spoilt = spoiling(moment);
    if (spoilt !== undefined) {
      differences.push(spoilt);
      return { divergence: undefined, differences, succeeded, spoilt: true };
    }
    const settled = settlement(moment);
    if (settled !== undefined) differences.push(settled.name);
    const actual = settled?.result ?? attempt(() => session.run(operation));
    if (JSON.stringify(expected) !== JSON.stringify(actual)) {
      const allowed = allowance(moment, actual);
      if (allowed !== undefined) {
        differences.push(allowed);
        continue;
      }
      const kind = `${operation.call}: kernel ${shape(expected)}, ours ${shape(actual)}`;
      const divergence = { mount, at, kind, kernel: JSON.stringify(expected), ours: JSON.stringify(actual) };
      return { divergence, differences, succeeded, spoilt: false };
    }
  }
  return { divergence: undefined, differences, succeeded, spoilt: false };
}

/** An error by its name, a result as one that is there. */
function shape(result: Result): string {
  return typeof result === "string" ? result : "succeeds";
}

const FIELDS = ["type", "mode", "nlink", "uid", "gid", "rdev", "size", "mtime", "ino"];

function compareTrees(
  mount: MountKind,
  kernel: readonly TreeLine[],
  ours: readonly TreeLine[],
): Divergence | undefined {
  for (let i = 0; i < Math.max(kernel.length, ours.length); i++) {
    const left = JSON.stringify(kernel[i]) ?? "nothing";
    const right = JSON.stringify(ours[i]) ?? "nothing";
    if (left === right) continue;
    return { mount, at: "tree", kind: `tree: ${treeField(kernel[i], ours[i])}`, kernel: left, ours: right };
  }
  return undefined;
}

function treeField(kernel: TreeLine | undefined, ours: TreeLine | undefined): string {
  if (kernel === undefined || ours === undefined || kernel[0] !== ours[0]) return "names";
  const differing = FIELDS.filter((_, i) => kernel[1][i] !== ours[1][i]);
  if (kernel[2] !== ours[2]) differing.push("content");
  if (JSON.stringify(kernel[3]) !== JSON.stringify(ours[3])) differing.push("xattrs");
  return differing.join(", ");
}

/**
 * Compares what the two uppers say: the kernel's, read by the rules of overlayfs, and ours as a layer
 * that was written, read and applied to the same lowers. Nothing is in our changes that the kernel did
 * not touch; what it touched and did not change may be missing.
 */
async function compareUppers(
  mount: MountKind,
  lower: PackedTree,
  session: Session,
  { upper, index, tree }: Outcome,
): Promise<Divergence | undefined> {
  const kernel = upper === undefined ? recordView(tree) : readUpper(lower, upper, index ?? []);
  const changes = session.mount.changes();
  const written = writeLayer(changes);
  let applied = lower;
  if (written !== undefined) {
    const bytes = Buffer.concat([...written.chunks()]);
    applied = applyLayer(lower, await layerFromBytes(bytes));
  }
  const ours = recordTree(applied);
  for (let i = 0; i < Math.max(kernel.length, ours.length); i++) {
    const left = JSON.stringify(kernel[i]) ?? "nothing";
    const right = JSON.stringify(ours[i]) ?? "nothing";
    if (left !== right)
      return { mount, at: "upper", kind: "upper: what it shows", kernel: left, ours: right };
  }
  if (upper === undefined) return undefined;
  // A hardlink group is whole or absent, so its other names are there too (rule 57).
  const groups = new Set(
    [...changes].map((change) => (change.kind === "deleted" ? undefined : change.linkTo)),
  );
  for (const change of changes) {
    const isLinked = groups.has(change.path) || (change.kind !== "deleted" && change.linkTo !== undefined);
    if (isLinked || isTouched(upper, index ?? [], change.path)) continue;
    const right = `${change.kind} ${change.path}`;
    return { mount, at: "upper", kind: "upper: a change too many", kernel: "nothing", ours: right };
  }
  return undefined;
}
