/**
 * Choosing the manifest for a platform from an index (image-spec image-index.md).
 *
 * The first entry that matches wins; an entry that names no platform is taken when none does. Entries
 * of platform `unknown/unknown` are attestations and never images.
 */
import type { Descriptor, DescriptorPlatform } from "./descriptor.ts";
import { OciError } from "./errors.ts";
import { isIndexType, isManifestType } from "./media-types.ts";

export interface ImagePlatform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

const ARCHITECTURE_ALIASES: ReadonlyMap<string, ImagePlatform> = new Map([
  ["x86_64", { os: "", architecture: "amd64" }],
  ["x86-64", { os: "", architecture: "amd64" }],
  ["aarch64", { os: "", architecture: "arm64" }],
  ["armhf", { os: "", architecture: "arm", variant: "v7" }],
  ["armel", { os: "", architecture: "arm", variant: "v6" }],
  ["i386", { os: "", architecture: "386" }],
]);

/** The variant an architecture has when none is written. */
const IMPLIED_VARIANT: ReadonlyMap<string, string> = new Map([
  ["arm64", "v8"],
  ["arm", "v7"],
  ["amd64", "v1"],
]);

function normalized(platform: ImagePlatform): ImagePlatform {
  const alias = ARCHITECTURE_ALIASES.get(platform.architecture);
  const architecture = alias?.architecture ?? platform.architecture;
  const variant = platform.variant ?? alias?.variant ?? IMPLIED_VARIANT.get(architecture);
  return variant === undefined
    ? { os: platform.os, architecture }
    : { os: platform.os, architecture, variant };
}

/**
 * Parses `os/architecture[/variant]`, or an architecture alone for Linux.
 * @throws OciError (`platform`)
 */
export function parsePlatform(text: string): ImagePlatform {
  const parts = text.toLowerCase().split("/");
  if (parts.length > 3 || !parts.every((part) => /^[a-z0-9_.-]+$/.test(part))) {
    throw new OciError(
      "platform",
      `"${text}": unknown operating system or architecture: invalid platform format`,
    );
  }
  if (parts.length === 1) return normalized({ os: "linux", architecture: parts[0]! });
  const [os, architecture, variant] = parts as [string, string, string | undefined];
  return normalized(variant === undefined ? { os, architecture } : { os, architecture, variant });
}

/** `os/architecture[/variant]`, the variant left out where it is the implied one. */
export function formatPlatform(platform: ImagePlatform): string {
  const { os, architecture, variant } = normalized(platform);
  const implied = variant === undefined || variant === IMPLIED_VARIANT.get(architecture);
  return implied ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/** What runs on a platform, best first: an older variant of `arm` and of `amd64` runs on a newer one. */
function acceptable(wanted: ImagePlatform): readonly ImagePlatform[] {
  const best = normalized(wanted);
  const number = /^v([1-9])$/.exec(best.variant ?? "");
  const lowest = best.architecture === "arm" ? 5 : best.architecture === "amd64" ? 1 : undefined;
  if (number === null || lowest === undefined) return [best];
  const accepted: ImagePlatform[] = [best];
  for (let version = Number(number[1]) - 1; version >= lowest; version--) {
    accepted.push({ ...best, variant: `v${version}` });
  }
  return accepted;
}

function isAttestation(platform: DescriptorPlatform | undefined): boolean {
  return platform?.os === "unknown" && platform.architecture === "unknown";
}

function matches(platform: DescriptorPlatform | undefined, wanted: ImagePlatform): boolean {
  if (platform?.os === undefined || platform.architecture === undefined) return false;
  const own = normalized({
    os: platform.os,
    architecture: platform.architecture,
    ...(platform.variant ? { variant: platform.variant } : {}),
  });
  return own.os === wanted.os && own.architecture === wanted.architecture && own.variant === wanted.variant;
}

/** The entry of an index to use on a platform: a manifest or a nested index; undefined where there is none. */
export function selectManifest(
  manifests: readonly Descriptor[],
  wanted: ImagePlatform,
): Descriptor | undefined {
  const usable = manifests.filter(
    (entry) =>
      (isManifestType(entry.mediaType) || isIndexType(entry.mediaType)) && !isAttestation(entry.platform),
  );
  for (const candidate of acceptable(wanted)) {
    const found = usable.find((entry) => matches(entry.platform, candidate));
    if (found !== undefined) return found;
  }
  return usable.find(
    (entry) => entry.platform?.os === undefined && entry.platform?.architecture === undefined,
  );
}
