/**
 * Descriptors: how one document points at another (image-spec descriptor.md).
 */
import * as v from "valibot";
import { type Digest, isDigest, verifyBytes } from "./digest.ts";
import { OciError } from "./errors.ts";
import { stringMap } from "./json.ts";

export const digestSchema = v.custom<Digest>(isDigest, "expected a sha256 or sha512 digest");

const platformSchema = v.looseObject({
  architecture: v.optional(v.string()),
  os: v.optional(v.string()),
  variant: v.optional(v.string()),
  "os.version": v.optional(v.string()),
  "os.features": v.optional(v.array(v.string())),
});

export const descriptorSchema = v.looseObject({
  mediaType: v.string(),
  digest: digestSchema,
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  urls: v.optional(v.array(v.string())),
  annotations: v.optional(stringMap),
  platform: v.optional(platformSchema),
  artifactType: v.optional(v.string()),
  data: v.optional(v.string()),
});

/** What a manifest was made for, as its index says. */
export interface DescriptorPlatform {
  readonly os?: string | undefined;
  readonly architecture?: string | undefined;
  readonly variant?: string | undefined;
  readonly "os.version"?: string | undefined;
  readonly "os.features"?: readonly string[] | undefined;
}

/** What a document says of another: its type, its digest and its size in bytes. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly urls?: readonly string[] | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly platform?: DescriptorPlatform | undefined;
  readonly artifactType?: string | undefined;
  /** The content itself in base64, unverified: read it with {@link descriptorData}. */
  readonly data?: string | undefined;
}

/** One annotation of a descriptor, or undefined. Annotation keys are anyone's, hence the own-member check. */
export function annotation(descriptor: Descriptor, key: string): string | undefined {
  const annotations = descriptor.annotations;
  return annotations !== undefined && Object.hasOwn(annotations, key) ? annotations[key] : undefined;
}

/**
 * The content that a descriptor carries inline, or undefined.
 * @throws OciError when it is not base64 or not what the descriptor's digest and size promise
 */
export function descriptorData(descriptor: Descriptor): Uint8Array | undefined {
  if (descriptor.data === undefined) return undefined;
  let binary: string;
  try {
    binary = atob(descriptor.data);
  } catch (cause) {
    throw new OciError("document", `the inline data of ${descriptor.digest} is not base64`, { cause });
  }
  const bytes = Uint8Array.from(binary, (unit) => unit.charCodeAt(0));
  verifyBytes(bytes, descriptor.digest, descriptor.size, "the inline data of");
  return bytes;
}
