/**
 * Manifests and indexes, of OCI and of Docker's schema 2 (image-spec manifest.md, image-index.md).
 *
 * What a document is must not depend on who reads it: its own `mediaType` must equal the type it was
 * announced under, and a document with members of both kinds is refused (CVE-2021-41190), also where
 * they differ only in case, which Go's reader ignores.
 */
import * as v from "valibot";
import { type Descriptor, descriptorSchema } from "./descriptor.ts";
import { OciError } from "./errors.ts";
import { type JsonObject, parseJson, stringMap, validate } from "./json.ts";
import {
  DOCKER_LIST,
  DOCKER_MANIFEST,
  isIndexType,
  isManifestType,
  isSchema1Type,
  OCI_INDEX,
  OCI_MANIFEST,
} from "./media-types.ts";

const manifestSchema = v.looseObject({
  schemaVersion: v.literal(2),
  mediaType: v.optional(v.string()),
  artifactType: v.optional(v.string()),
  config: descriptorSchema,
  layers: v.array(descriptorSchema),
  subject: v.optional(descriptorSchema),
  annotations: v.optional(stringMap),
});

const indexSchema = v.looseObject({
  schemaVersion: v.literal(2),
  mediaType: v.optional(v.string()),
  artifactType: v.optional(v.string()),
  manifests: v.array(descriptorSchema),
  subject: v.optional(descriptorSchema),
  annotations: v.optional(stringMap),
});

/** One image for one platform: its config and its layers, bottom first. */
export interface Manifest {
  readonly schemaVersion: 2;
  readonly mediaType?: string | undefined;
  /** What it is, where it is no image. */
  readonly artifactType?: string | undefined;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  /** The manifest that this one tells something of. */
  readonly subject?: Descriptor | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** Images for several platforms, and what belongs to them. */
export interface Index {
  readonly schemaVersion: 2;
  readonly mediaType?: string | undefined;
  readonly manifests: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

export type ManifestDocument =
  | { readonly kind: "manifest"; readonly mediaType: string; readonly manifest: Manifest }
  | { readonly kind: "index"; readonly mediaType: string; readonly index: Index };

function refuseConfusion(json: JsonObject, what: string): void {
  const keys = new Set(Object.keys(json).map((key) => key.toLowerCase()));
  if (keys.has("manifests") && (keys.has("layers") || keys.has("config"))) {
    throw new OciError("document", `${what} has members of both a manifest and an index`);
  }
  if (keys.has("fslayers") || json.schemaVersion === 1) {
    throw new OciError("unsupported", `${what} is a schema 1 manifest, which has no verifiable layers`);
  }
}

/**
 * Parses a manifest or an index.
 * @param announced the type its descriptor or its HTTP header gave, where there was one
 * @param what names the document in errors
 * @throws OciError
 */
export function parseManifest(
  bytes: Uint8Array,
  announced: string | undefined,
  what: string,
): ManifestDocument {
  if (announced !== undefined && isSchema1Type(announced)) {
    throw new OciError("unsupported", `${what} is a schema 1 manifest, which has no verifiable layers`);
  }
  const json = parseJson(bytes, what);
  refuseConfusion(json, what);
  const own = json.mediaType;
  // Not even to be named in an error: an object may have any member instead of `toString`.
  if (own !== undefined && typeof own !== "string") {
    throw new OciError("document", `${what} has a mediaType that is no string`);
  }
  if (announced !== undefined && own !== undefined && own !== announced) {
    throw new OciError("document", `${what} calls itself ${own} but was announced as ${announced}`);
  }
  const type = own ?? announced;
  const index = type === undefined ? json.manifests !== undefined : isIndexType(type);
  if (type !== undefined && !index && !isManifestType(type)) {
    throw new OciError("unsupported", `${what} is of type ${type}, which is no manifest`);
  }
  if (index) {
    const mediaType = type === DOCKER_LIST ? DOCKER_LIST : OCI_INDEX;
    return { kind: "index", mediaType, index: validate(indexSchema, json, what) };
  }
  const mediaType = type === DOCKER_MANIFEST ? DOCKER_MANIFEST : OCI_MANIFEST;
  return { kind: "manifest", mediaType, manifest: validate(manifestSchema, json, what) };
}

/**
 * Parses the `index.json` of an image layout.
 * @throws OciError
 */
export function parseLayoutIndex(bytes: Uint8Array, what: string, limit?: number): Index {
  const json = parseJson(bytes, what, limit);
  refuseConfusion(json, what);
  return validate(indexSchema, json, what);
}
