/**
 * Which images of a store are steps on the way to another one.
 *
 * No image records its parent, and none needs to: an image whose layers and history are the beginning
 * of another's is what that one was made from.
 */
import { historySteps } from "../oci/config.ts";
import type { Digest } from "../oci/digest.ts";
import type { Image } from "./image.ts";

/** Layers and history up to each step, as one comparable text for each. */
function stages(image: Image): readonly string[] {
  const { config } = image;
  let layers = 0;
  let text = "";
  return historySteps(config).map(({ entry, layer }) => {
    if (layer !== undefined) layers += 1;
    text += `${JSON.stringify(entry)}\n`;
    return `${config.rootfs.diff_ids.slice(0, layers).join(" ")}\n${text}`;
  });
}

/** For each step of an image's history, the ID of the image that ends with it; the last is its own. */
export function stepImages(image: Image, stored: readonly Image[]): readonly (Digest | undefined)[] {
  const complete = new Map<string, Digest>();
  for (const candidate of stored) {
    const whole = stages(candidate).at(-1);
    if (whole !== undefined && !complete.has(whole)) complete.set(whole, candidate.id);
  }
  const own = stages(image);
  return own.map((stage, i) => (i === own.length - 1 ? image.id : complete.get(stage)));
}
