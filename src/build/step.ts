/**
 * One step that changes files: its result from the cache, or made and kept there.
 *
 * A step works on a mount of the tree that the stage has so far; what it changed becomes a layer. The layer
 * is in the store before the step counts as done, so that the next one starts from exactly what an image
 * of these layers would show, whether or not the step ran in this build. A step that fails leaves nothing.
 */

import { writeLayer } from "../layer/write.ts";
import type { HistoryEntry } from "../oci/config.ts";
import type { Digest } from "../oci/digest.ts";
import { seconds } from "../posix/time.ts";
import { formatTime } from "../runtime/environment.ts";
import type { ImageLayer } from "../store/layers.ts";
import { stageLayer } from "../store/stage-made.ts";
import { Staging } from "../store/staging.ts";
import { type FoundStep, type StepInputs, type StepRecord, stepKey } from "../store/step-cache.ts";
import { EMPTY_TREE } from "../tree/packed.ts";
import { createMount, type Mount } from "../union/mount.ts";
import { explainMiss } from "./explain.ts";
import type { Work } from "./log.ts";
import type { BuildSession } from "./session.ts";
import { chainOf, type StageState } from "./stage-state.ts";

export interface FilesystemStep {
  /** The instruction as history and cache records have it. */
  readonly description: string;
  /** Where in which file the step stands: the same in the next build of it. */
  readonly place: string;
  /** Everything that decides the result but the tree it starts from. */
  inputs(): StepInputs | Promise<StepInputs>;
  /** Inputs that cost nothing to know and decide the result as well, if there are any: no two results share them. */
  readonly quickInputs?: StepInputs;
  /** Whether the layer is made on an empty tree, to lie on any (`--link`). */
  readonly independent?: boolean;
  run(mount: Mount, work: Work): void | Promise<void>;
}

/** The configuration of a state as inputs: every field decides (CVE-2024-24557), an environment by variable. */
export function configInputs({ config }: StageState): StepInputs {
  const inputs: Record<string, string> = {};
  for (const [name, value] of Object.entries(config.config ?? {})) {
    if (name === "Env") continue;
    if (value !== undefined) inputs[`config ${name}`] = JSON.stringify(value);
  }
  for (const entry of config.config?.Env ?? []) {
    const equals = entry.indexOf("=");
    inputs[`environment ${entry.slice(0, equals)}`] = entry.slice(equals + 1);
  }
  for (const name of ["os", "architecture", "variant"] as const) {
    if (config[name] !== undefined) inputs[`platform ${name}`] = config[name];
  }
  return inputs;
}

async function isThere(session: BuildSession, { layer }: StepRecord): Promise<boolean> {
  if (layer === undefined) return true;
  await session.lease.hold(layer.descriptor.digest, layer.diffID);
  return (await session.core.blobs.size(layer.descriptor.digest)) === layer.descriptor.size;
}

/** What an earlier step with a key gave, if it is still there. */
async function lookUp(session: BuildSession, inputs: StepInputs): Promise<FoundStep | undefined> {
  if (session.noCache) return undefined;
  const key = stepKey(inputs);
  const found = session.cache.find(key);
  if (found !== undefined && (await isThere(session, found.record))) return found;
  return await lookUpShared(session, key, inputs);
}

/** What another machine's step with a key gave; its layer is then in the store, and its record in our cache. */
async function lookUpShared(
  session: BuildSession,
  key: Digest,
  inputs: StepInputs,
): Promise<FoundStep | undefined> {
  const { core, lease, log } = session;
  for (const cache of session.shared) {
    const found = cache.find(key);
    if (found === undefined) continue;
    const { description, created, layer } = found;
    const record: StepRecord = { description, created, layer };
    try {
      if (layer !== undefined) {
        await lease.hold(layer.descriptor.digest, layer.diffID);
        if (!(await core.layers.has(layer))) await cache.fetch(core, layer);
      }
    } catch (error) {
      session.signal?.throwIfAborted();
      log.warning(
        `the cache ${cache.what} gives no ${layer?.descriptor.digest}: ${(error as Error).message}`,
      );
      continue;
    }
    session.cache.put(key, record, inputs);
    return { key, record };
  }
  return undefined;
}

async function make(
  session: BuildSession,
  state: StageState,
  step: FilesystemStep,
  work: Work,
): Promise<ImageLayer | undefined> {
  const { core, clock, epoch } = session;
  const tree = step.independent ? EMPTY_TREE : await core.trees.tree(state.layers);
  const mount = createMount(tree, { clock });
  await step.run(mount, work);
  const layer = writeLayer(
    mount.changes(),
    epoch === undefined ? {} : { sourceDateEpoch: Number(seconds(epoch)) },
  );
  if (layer === undefined) return undefined;
  const staging = new Staging(core.files);
  try {
    const made = await stageLayer(layer, session.layerType, { core, staging, lease: session.lease });
    await staging.commit();
    return made;
  } finally {
    await staging.discard();
  }
}

function after(state: StageState, record: StepRecord, history: HistoryEntry): StageState {
  const { layer, created } = record;
  return {
    ...state,
    layers: layer === undefined ? state.layers : [...state.layers, layer],
    history: [
      ...state.history,
      { created, ...history, ...(layer === undefined ? { empty_layer: true } : {}) },
    ],
  };
}

async function lookUpOrMake(
  session: BuildSession,
  state: StageState,
  step: FilesystemStep,
  base: StepInputs,
  work: Work,
): Promise<FoundStep & { readonly cached: boolean }> {
  const inputs = { ...base, ...(await step.inputs()) };
  const found = await lookUp(session, inputs);
  if (found !== undefined) return { ...found, cached: true };
  if (session.explain) {
    const why = session.noCache
      ? ["not cached: the build was asked not to use the cache"]
      : explainMiss(session.cache.last(step.place), inputs);
    for (const line of why) work.note(line);
  }
  session.signal?.throwIfAborted();
  const layer = await make(session, state, step, work);
  const key = stepKey(inputs);
  const record = { description: step.description, created: formatTime(session.clock()), layer };
  session.cache.put(key, record, inputs);
  return { key, record, cached: false };
}

/**
 * Takes a step.
 * @param history its entry, without time
 * @param work the vertex it is shown as; it is told when the result is known
 */
export async function takeStep(
  session: BuildSession,
  state: StageState,
  step: FilesystemStep,
  history: HistoryEntry,
  work: Work,
): Promise<StageState> {
  const base: StepInputs = {
    ...(step.independent ? {} : { "the files of the step before": chainOf(state) ?? "none" }),
    ...(session.epoch === undefined ? {} : { SOURCE_DATE_EPOCH: String(seconds(session.epoch)) }),
  };
  const quick = step.quickInputs === undefined ? undefined : { ...base, ...step.quickInputs };
  const found = quick === undefined ? undefined : await lookUp(session, quick);
  const { key, record, cached } =
    found === undefined ? await lookUpOrMake(session, state, step, base, work) : { ...found, cached: true };
  session.cache.remember(step.place, key);
  session.taken.set(key, record);
  if (quick !== undefined) session.taken.set(stepKey(quick), record);
  if (cached) {
    work.cached();
    if (session.explain) work.note(`cached: every input is as it was on ${record.created}`);
  }
  if (quick !== undefined && found === undefined) {
    session.cache.put(stepKey(quick), { ...record, same: key }, quick);
  }
  return after(state, record, history);
}
