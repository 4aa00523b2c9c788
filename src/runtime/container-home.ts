/**
 * What containers need of their store.
 */
import type { Descriptor } from "../oci/descriptor.ts";
import type { Containers } from "./containers.ts";
import type { Image, ImageHome } from "./image.ts";

export interface ContainerHome extends ImageHome {
  readonly containers: Containers;
  /**
   * The image of a manifest, whether or not it has a name.
   * @throws StoreError (`no-such-image`)
   */
  imageOf(manifest: Descriptor): Promise<Image>;
  /** Is told what is wrong in the store and was passed over. */
  readonly warn: (message: string) => void;
}
