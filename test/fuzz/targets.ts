/** Everything that is fed. */
import type { Target } from "./target.ts";
import { archive, paxRecords } from "./targets/archive.ts";
import { layerIndex, treeCache } from "./targets/caches.ts";
import { compression } from "./targets/compression.ts";
import { documents } from "./targets/documents.ts";
import { load } from "./targets/load.ts";
import { upper } from "./targets/upper.ts";
import { epochs, references, templates } from "./targets/words.ts";

export const TARGETS: readonly Target[] = [
  archive,
  paxRecords,
  compression,
  documents,
  references,
  epochs,
  templates,
  treeCache,
  layerIndex,
  load,
  upper,
];
