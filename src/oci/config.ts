/**
 * Image configs (image-spec config.md). The digest of the bytes is the image's ID.
 *
 * Unknown members are ignored and kept, `null` is absent. A config made from another one is written
 * from the whole document, so that what this version does not know survives a commit.
 */
import * as v from "valibot";
import { digestSchema } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import { OciError } from "./errors.ts";
import { keySet, parseJson, stringMap, validate } from "./json.ts";

const strings = v.array(v.string());

const healthSchema = v.looseObject({
  Test: v.optional(strings),
  Interval: v.optional(v.number()),
  Timeout: v.optional(v.number()),
  StartPeriod: v.optional(v.number()),
  StartInterval: v.optional(v.number()),
  Retries: v.optional(v.number()),
});

/** The `config` member. */
export const executionSchema = v.looseObject({
  User: v.optional(v.string()),
  ExposedPorts: v.optional(keySet),
  Env: v.optional(strings),
  Entrypoint: v.optional(strings),
  Cmd: v.optional(strings),
  Volumes: v.optional(keySet),
  WorkingDir: v.optional(v.string()),
  Labels: v.optional(stringMap),
  StopSignal: v.optional(v.string()),
  OnBuild: v.optional(strings),
  Shell: v.optional(strings),
  Healthcheck: v.optional(healthSchema),
});

const historySchema = v.looseObject({
  created: v.optional(v.string()),
  created_by: v.optional(v.string()),
  author: v.optional(v.string()),
  comment: v.optional(v.string()),
  empty_layer: v.optional(v.boolean()),
});

const configSchema = v.looseObject({
  created: v.optional(v.string()),
  author: v.optional(v.string()),
  architecture: v.optional(v.string()),
  os: v.optional(v.string()),
  variant: v.optional(v.string()),
  "os.version": v.optional(v.string()),
  config: v.optional(executionSchema),
  rootfs: v.looseObject({ type: v.string(), diff_ids: v.array(digestSchema) }),
  history: v.optional(v.array(historySchema)),
});

/** How a container's health is checked: Docker's addition to the specification. Times in nanoseconds. */
export interface HealthConfig {
  /** `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", text]`; absent to inherit. */
  readonly Test?: readonly string[] | undefined;
  readonly Interval?: number | undefined;
  readonly Timeout?: number | undefined;
  readonly StartPeriod?: number | undefined;
  readonly StartInterval?: number | undefined;
  readonly Retries?: number | undefined;
}

/** How containers of the image run: the `config` member, with Docker's names. */
export interface ExecutionConfig {
  readonly User?: string | undefined;
  readonly ExposedPorts?: Readonly<Record<string, object>> | undefined;
  readonly Env?: readonly string[] | undefined;
  readonly Entrypoint?: readonly string[] | undefined;
  readonly Cmd?: readonly string[] | undefined;
  readonly Volumes?: Readonly<Record<string, object>> | undefined;
  readonly WorkingDir?: string | undefined;
  readonly Labels?: Readonly<Record<string, string>> | undefined;
  readonly StopSignal?: string | undefined;
  readonly OnBuild?: readonly string[] | undefined;
  readonly Shell?: readonly string[] | undefined;
  readonly Healthcheck?: HealthConfig | undefined;
}

/** One step in an image's making. */
export interface HistoryEntry {
  /** RFC 3339. */
  readonly created?: string | undefined;
  readonly created_by?: string | undefined;
  readonly author?: string | undefined;
  readonly comment?: string | undefined;
  /** The step added no layer. */
  readonly empty_layer?: boolean | undefined;
}

export interface ImageConfig {
  /** RFC 3339. */
  readonly created?: string | undefined;
  readonly author?: string | undefined;
  readonly architecture?: string | undefined;
  readonly os?: string | undefined;
  readonly variant?: string | undefined;
  readonly config?: ExecutionConfig | undefined;
  readonly rootfs: { readonly type: string; readonly diff_ids: readonly Digest[] };
  readonly history?: readonly HistoryEntry[] | undefined;
}

/**
 * Parses an image config.
 * @param what names the document in errors
 * @throws OciError; also for a history that counts more layers than there are, as Docker does
 */
export function parseConfig(bytes: Uint8Array, what: string): ImageConfig {
  const config: ImageConfig = validate(configSchema, parseJson(bytes, what), what);
  if (config.rootfs.type !== "layers") {
    throw new OciError("unsupported", `${what} has a rootfs of type ${JSON.stringify(config.rootfs.type)}`);
  }
  const counted = config.history?.filter((entry) => entry.empty_layer !== true).length ?? 0;
  if (counted > config.rootfs.diff_ids.length) {
    throw new OciError(
      "document",
      `${what} has a history of ${counted} layers but names ${config.rootfs.diff_ids.length}`,
    );
  }
  return config;
}

/** A step of the history and the layer it made. */
export interface HistoryStep {
  readonly entry: HistoryEntry;
  /** Position of its layer from the bottom, or undefined for a step that made none. */
  readonly layer: number | undefined;
}

/**
 * The history with the layer that belongs to each step, oldest first. Layers that the history does
 * not tell of follow as steps about which nothing is known, so that none is left out.
 */
export function historySteps(config: ImageConfig): readonly HistoryStep[] {
  let layer = 0;
  const steps: HistoryStep[] = (config.history ?? []).map((entry) => ({
    entry,
    layer: entry.empty_layer === true ? undefined : layer++,
  }));
  while (layer < config.rootfs.diff_ids.length) steps.push({ entry: {}, layer: layer++ });
  return steps;
}
