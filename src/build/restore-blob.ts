/**
 * Blobs of layers that another tool took away while the build went on: `umoci gc` knows nothing of what is
 * not named yet. What they were made of is still in our cache, and compresses to the same bytes.
 */
import { platform } from "#platform";
import { StoreError } from "../store/errors.ts";
import type { ImageLayer } from "../store/layers.ts";
import { Staging } from "../store/staging.ts";
import { gzip } from "../tar/compress.ts";
import type { BuildSession } from "./session.ts";

/**
 * Makes sure that a layer's blob is in the store.
 * @throws StoreError (`missing-blob`)
 */
export async function restoreBlob({ core }: BuildSession, layer: ImageLayer): Promise<void> {
  const { digest, size } = layer.descriptor;
  if ((await core.blobs.size(digest)) === size) return;
  const path = await core.layers.archivePath(layer.diffID);
  if (path !== undefined) {
    const staging = new Staging(core.files);
    try {
      const blob = await staging.create();
      const hasher = platform.createHash("sha256");
      for await (const chunk of gzip(core.files.stream(path))) {
        hasher.update(chunk);
        await blob.write(chunk);
      }
      if (`sha256:${hasher.hex()}` === digest) {
        await staging.add(blob, core.blobs.path(digest));
        await staging.commit();
        return;
      }
    } finally {
      await staging.discard();
    }
  }
  throw new StoreError("missing-blob", `the layer ${digest} is no longer in the store`);
}
