/**
 * Images of Docker before 1.10: each layer is an image of its own, `ID/json` with its parent's ID and
 * `ID/layer.tar`, and `repositories` names the topmost ones. They become one config as Docker itself
 * made of them when it met them.
 */
import * as v from "valibot";
import type { HistoryEntry } from "../oci/config.ts";
import type { Digest } from "../oci/digest.ts";
import { type JsonObject, parseJson, stringMap, validate } from "../oci/json.ts";
import { StoreError } from "./errors.ts";
import { readSpooled, type Spool, type SpooledFile } from "./spool.ts";

/** No image ever had more layers than a kernel could mount. */
const MAX_LAYERS = 1024;
const ID = /^[0-9a-f]{64}$/;

const imageSchema = v.looseObject({
  id: v.optional(v.string()),
  parent: v.optional(v.string()),
  created: v.optional(v.string()),
  author: v.optional(v.string()),
  comment: v.optional(v.string()),
  container_config: v.optional(v.looseObject({ Cmd: v.optional(v.array(v.string())) })),
});

export interface LegacyLayer {
  readonly image: v.InferOutput<typeof imageSchema> & JsonObject;
  readonly layer: SpooledFile;
}

/** Topmost image IDs with the names that `repositories` gives them. */
export async function legacyNames(
  spool: Spool,
  what: string,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const file = spool.get("repositories");
  if (file === undefined) throw new StoreError("source", `${what} has no repositories`);
  const where = `repositories of ${what}`;
  const repositories = parseJson(await readSpooled(file, where), where);
  const names = new Map<string, string[]>();
  for (const [repository, tags] of Object.entries(repositories)) {
    for (const [tag, id] of Object.entries(validate(stringMap, tags ?? {}, where))) {
      const known = names.get(id) ?? [];
      known.push(`${repository}:${tag}`);
      names.set(id, known);
    }
  }
  return names;
}

/** The layers of a topmost image, bottom first. */
export async function legacyLayers(spool: Spool, top: string, what: string): Promise<readonly LegacyLayer[]> {
  const layers: LegacyLayer[] = [];
  for (let id: string | undefined = top; id !== undefined && id !== ""; ) {
    if (!ID.test(id)) throw new StoreError("source", `${what}: ${JSON.stringify(id)} is no image ID`);
    const document: SpooledFile | undefined = spool.get(`${id}/json`);
    const layer = spool.get(`${id}/layer.tar`);
    if (document === undefined || layer === undefined) {
      throw new StoreError("source", `${what}: the image ${id} is not complete`);
    }
    const where = `${id}/json of ${what}`;
    const json = parseJson(await readSpooled(document, where), where);
    const image = validate(imageSchema, json, where) as LegacyLayer["image"];
    layers.push({ image, layer });
    if (layers.length > MAX_LAYERS) throw new StoreError("source", `${what}: ${top} has endless parents`);
    id = image.parent;
  }
  return layers.reverse();
}

/** Members that only version 1 knows. */
const DROPPED = new Set(["id", "parent", "Size", "parent_id", "layer_id", "throwaway"]);

function historyOf({ image }: LegacyLayer): HistoryEntry {
  const { author, comment, container_config } = image;
  const command = container_config?.Cmd?.join(" ");
  return {
    ...(image.created ? { created: image.created } : {}),
    ...(author ? { author } : {}),
    ...(command ? { created_by: command } : {}),
    ...(comment ? { comment } : {}),
  };
}

/** The config of a chain of version 1 images, with sorted members as Docker's converter writes it. */
export function legacyConfig(chain: readonly LegacyLayer[], diffIDs: readonly Digest[]): JsonObject {
  const top = Object.entries(chain[chain.length - 1]?.image ?? {}).filter(([key]) => !DROPPED.has(key));
  const members: [string, unknown][] = [
    ...top,
    ["rootfs", { type: "layers", diff_ids: diffIDs }],
    ["history", chain.map(historyOf)],
  ];
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1))) as JsonObject;
}
