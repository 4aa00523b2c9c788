/**
 * The images that a build starts from: those of the store, for the platform that is asked for, else pulled.
 */
import type { ImagePlatform } from "../oci/platform.ts";
import { Image } from "../runtime/image.ts";
import type { Store } from "../runtime/store.ts";
import { StoreError } from "../store/errors.ts";
import { readImage } from "../store/images.ts";

async function inStore(store: Store, name: string, platform: ImagePlatform): Promise<Image | undefined> {
  let image: Image;
  try {
    image = await store.image(name);
  } catch (error) {
    if (error instanceof StoreError && error.code === "no-such-image") return undefined;
    throw error;
  }
  const record = await readImage(store.core.blobs, image.target, platform);
  return record === undefined ? undefined : new Image(store, record, image.target, image.references);
}

/**
 * @param name a reference, or an image's ID
 * @param pull whether to ask the registry although the store has it
 * @throws RegistryError, StoreError where it cannot be had
 */
export async function baseImage(
  store: Store,
  name: string,
  platform: ImagePlatform,
  pull: boolean,
): Promise<Image> {
  const found = pull ? undefined : await inStore(store, name, platform);
  if (found !== undefined) return found;
  await store.pull(name, { platform });
  const pulled = await inStore(store, name, platform);
  if (pulled !== undefined) return pulled;
  throw new StoreError("no-such-image", `No such image: ${name}`);
}
