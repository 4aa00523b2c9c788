/**
 * Making a container as `create` and `run` do: its image is found, or fetched, and its ID written where it
 * was asked for.
 */
import { existsSync, writeFileSync } from "node:fs";
import { formatPlatform, parsePlatform } from "../oci/platform.ts";
import type { Container } from "../runtime/container.ts";
import type { Image } from "../runtime/image.ts";
import { withShownTag } from "../store/resolve.ts";
import { type CreateFlags, createOptions } from "./container-flags.ts";
import type { Context } from "./context.ts";
import { Failure, isNoSuchImage } from "./failure.ts";

const FLAG_ERROR = 125;
const PULL_POLICIES = ["always", "missing", "never"];

/** The image, pulled where the policy says so. */
async function findImage(context: Context, name: string, policy: string): Promise<Image> {
  const store = await context.store();
  if (!PULL_POLICIES.includes(policy)) {
    throw new Failure(
      `invalid pull option: '${policy}': must be one of "always", "missing" or "never"`,
      FLAG_ERROR,
    );
  }
  const shown = withShownTag(name);
  if (policy !== "always") {
    const known = await store.image(name).catch((error: unknown) => {
      if (!isNoSuchImage(error)) throw error;
      return undefined;
    });
    if (known !== undefined) return known;
    if (policy === "never") throw new Failure(`Error response from daemon: No such image: ${shown}`);
    context.complain(`Unable to find image '${shown}' locally`);
  }
  const { registryFailure, registryOptions } = await import("./registry-options.ts");
  try {
    const image = await store.pull(name, {
      ...registryOptions(context, {}),
      observe({ id, status, current }) {
        if (current === undefined) context.complain(`${id}: ${status}`);
      },
    });
    context.complain(`Status: Downloaded newer image for ${shown}`);
    return image;
  } catch (error) {
    throw registryFailure(error);
  }
}

/**
 * Makes a container.
 * @param args the image and the command
 * @throws Failure, StoreError
 */
export async function createContainer(
  context: Context,
  flags: CreateFlags,
  args: readonly string[],
): Promise<Container> {
  const [reference = "", ...command] = args;
  const options = createOptions(context, flags, reference, command);
  const { cidfile } = flags;
  if (cidfile !== undefined && existsSync(cidfile)) {
    throw new Failure(
      `container ID file found, make sure the other container isn't running or delete ${cidfile}`,
      FLAG_ERROR,
    );
  }
  const image = await findImage(context, reference, flags.pull);
  if (flags.platform !== undefined) checkPlatform(image, reference, flags.platform);
  const store = await context.store();
  const container = await store.containers.create(image, options);
  if (cidfile !== undefined) writeFileSync(cidfile, container.id);
  return container;
}

function checkPlatform(image: Image, reference: string, wanted: string): void {
  const { os = "linux", architecture = "amd64", variant } = image.config;
  const asked = parsePlatform(wanted);
  const same =
    asked.os === os &&
    asked.architecture === architecture &&
    (asked.variant === undefined || variant === undefined || asked.variant === variant);
  if (same) return;
  const is = formatPlatform({ os, architecture, ...(variant === undefined ? {} : { variant }) });
  throw new Failure(
    `Error response from daemon: image with reference ${reference} was found but does not match the specified platform: wanted ${wanted}, actual: ${is}`,
  );
}
