/**
 * Chain IDs: the name of what one sees after applying layers in order (image-spec config.md,
 * "Layer ChainID").
 */
import { type Digest, digestOf } from "./digest.ts";

const encoder = new TextEncoder();

/** The chain of one more layer: digest(ChainID(L0…Ln-1) + " " + DiffID(Ln)); for the first layer its diffID. */
export function extendChain(below: Digest | undefined, diffID: Digest): Digest {
  return below === undefined ? diffID : digestOf(encoder.encode(`${below} ${diffID}`));
}

/** The chain ID of each prefix of some layers, bottom first; the last is the image's. */
export function chainIDs(diffIDs: readonly Digest[]): readonly Digest[] {
  let chain: Digest | undefined;
  return diffIDs.map((diffID) => (chain = extendChain(chain, diffID)));
}
