/**
 * A stage at one moment of its making: the configuration so far, the layers, the history. Immutable: each
 * instruction gives another state.
 */
import { chainIDs } from "../oci/chain.ts";
import type { HistoryEntry, ImageConfig } from "../oci/config.ts";
import type { Digest } from "../oci/digest.ts";
import type { ImageLayer } from "../store/layers.ts";

export interface StageState {
  /** The image's config, less what layers and history decide. */
  readonly config: ImageConfig;
  readonly layers: readonly ImageLayer[];
  readonly history: readonly HistoryEntry[];
}

/** The chainID of a state's tree; undefined for an empty one. */
export function chainOf({ layers }: Pick<StageState, "layers">): Digest | undefined {
  return chainIDs(layers.map(({ diffID }) => diffID)).at(-1);
}
