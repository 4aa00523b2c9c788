/**
 * Manifests that refer to another one: signatures, attestations (distribution-spec, "Listing Referrers").
 *
 * A registry that does not keep track of them has an index under the tag `ALG-HEX` of the subject instead,
 * which clients read and rewrite.
 */
import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { jsonBytes } from "../oci/json.ts";
import { parseLayoutIndex } from "../oci/manifest.ts";
import { OCI_INDEX } from "../oci/media-types.ts";
import { isRegistryError } from "./errors.ts";
import { pages } from "./lists.ts";
import { getManifest, pullScope, putManifest } from "./manifests.ts";
import type { Session } from "./session.ts";

/** The longest tag there is; sha512 digests are cut to it. */
const MAX_TAG = 128;

/** The tag under which the referrers of a manifest are listed where the registry does not do it. */
export function referrersTag(subject: Digest): string {
  return subject.replace(":", "-").slice(0, MAX_TAG);
}

async function taggedReferrers(
  session: Session,
  repository: string,
  subject: Digest,
): Promise<readonly Descriptor[]> {
  const what = `the referrers of ${subject}`;
  try {
    const { bytes } = await getManifest(session, repository, referrersTag(subject), what);
    return parseLayoutIndex(bytes, what).manifests;
  } catch (error) {
    if (isRegistryError(error, "not-found")) return [];
    throw error;
  }
}

/**
 * Descriptors of the manifests that refer to one.
 * @param artifactType only those of this type
 */
export async function listReferrers(
  session: Session,
  repository: string,
  subject: Digest,
  artifactType?: string,
): Promise<readonly Descriptor[]> {
  const what = `the referrers of ${subject}`;
  const query = artifactType === undefined ? "" : `?artifactType=${encodeURIComponent(artifactType)}`;
  const found: Descriptor[] = [];
  try {
    const access = { repository, scopes: [pullScope(repository)] };
    for await (const { bytes } of pages(
      session,
      `/v2/${repository}/referrers/${subject}${query}`,
      what,
      access,
    )) {
      found.push(...parseLayoutIndex(bytes, what).manifests);
    }
  } catch (error) {
    if (!isRegistryError(error, "not-found", "unsupported", "protocol")) throw error;
    found.push(...(await taggedReferrers(session, repository, subject)));
  }
  // A registry may leave the filter to us.
  return artifactType === undefined ? found : found.filter((entry) => entry.artifactType === artifactType);
}

/**
 * Makes a manifest findable from its subject, where the registry did not say on putting it that it keeps
 * track itself.
 * @param referrer with its artifact type and annotations
 */
export async function addTaggedReferrer(
  session: Session,
  repository: string,
  subject: Digest,
  referrer: Descriptor,
): Promise<void> {
  const known = await taggedReferrers(session, repository, subject);
  if (known.some(({ digest }) => digest === referrer.digest)) return;
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [...known, referrer] };
  await putManifest(session, repository, referrersTag(subject), {
    bytes: jsonBytes(index),
    mediaType: OCI_INDEX,
  });
}
