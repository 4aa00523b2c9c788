/**
 * Manifests of a repository, by tag or digest (distribution-spec, "Pulling manifests").
 *
 * A manifest is its raw bytes: its digest is of these, never of what a header says, and it is sent and
 * kept byte for byte.
 */
import { type Digest, digestAlgorithm, digestOf, isDigest } from "../oci/digest.ts";
import { OciError } from "../oci/errors.ts";
import { MAX_DOCUMENT } from "../oci/json.ts";
import { DOCKER_LIST, DOCKER_MANIFEST, isSchema1Type, OCI_INDEX, OCI_MANIFEST } from "../oci/media-types.ts";
import { answerError, expectStatus } from "./answers.ts";
import { RegistryError } from "./errors.ts";
import type { Reply } from "./network.ts";
import type { Session } from "./session.ts";

const ACCEPT = [
  OCI_INDEX,
  OCI_MANIFEST,
  DOCKER_LIST,
  DOCKER_MANIFEST,
  // Asked for only to say clearly that it cannot be used.
  "application/vnd.docker.distribution.manifest.v1+prettyjws",
].join(", ");

export interface RegistryManifest {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly digest: Digest;
}

export interface ManifestHead {
  readonly mediaType: string;
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
}

export function pullScope(repository: string): string {
  return `repository:${repository}:pull`;
}

export function pushScope(repository: string): string {
  return `repository:${repository}:pull,push`;
}

function mediaTypeOf(reply: Reply): string {
  return (reply.header("content-type") ?? "").replace(/;.*$/s, "").trim();
}

function checkType(mediaType: string, what: string): void {
  if (isSchema1Type(mediaType)) {
    throw new OciError("unsupported", `${what} is a schema 1 manifest, which has no verifiable layers`);
  }
}

/**
 * A manifest.
 * @param reference a tag or a digest
 * @param what names it in errors
 * @throws RegistryError (`not-found`, …), OciError (`mismatch`) where it is not the one that was asked for
 */
export async function getManifest(
  session: Session,
  repository: string,
  reference: string,
  what: string,
  scopes: readonly string[] = [pullScope(repository)],
): Promise<RegistryManifest> {
  const { reply, bytes } = await session.document(
    {
      method: "GET",
      target: `/v2/${repository}/manifests/${reference}`,
      repository,
      scopes,
      headers: { accept: ACCEPT },
    },
    MAX_DOCUMENT,
    what,
    (answer) => expectStatus(answer, what, 200),
  );
  const mediaType = mediaTypeOf(reply);
  checkType(mediaType, what);
  const digest = digestOf(bytes, isDigest(reference) ? digestAlgorithm(reference) : "sha256");
  if (isDigest(reference) && digest !== reference) {
    throw new OciError("mismatch", `the manifest ${reference} has the content of ${digest}`);
  }
  const said = reply.header("docker-content-digest");
  if (isDigest(said) && digestOf(bytes, digestAlgorithm(said)) !== said) {
    throw new OciError("mismatch", `the manifest ${said} has the content of ${digest}`);
  }
  return { bytes, mediaType, digest };
}

/**
 * What a registry says of a manifest; undefined where it has none, or does not say all of it.
 */
export async function headManifest(
  session: Session,
  repository: string,
  reference: string,
  scopes: readonly string[] = [pullScope(repository)],
): Promise<ManifestHead | undefined> {
  const what = `the manifest ${reference}`;
  return await session.retrying(async () => {
    const reply = await session.send({
      method: "HEAD",
      target: `/v2/${repository}/manifests/${reference}`,
      repository,
      scopes,
      headers: { accept: ACCEPT },
    });
    await reply.discard();
    if (reply.status === 404) return undefined;
    await expectStatus(reply, what, 200);
    const digest = reply.header("docker-content-digest");
    const size = Number(reply.header("content-length"));
    const mediaType = mediaTypeOf(reply);
    if (!isDigest(digest) || !Number.isSafeInteger(size) || mediaType === "") return undefined;
    return { mediaType, digest, size };
  });
}

/**
 * Puts a manifest. Everything that it names must be there already.
 * @param reference a tag, or the manifest's own digest
 * @returns whether the registry keeps the referrers of its `subject` itself
 */
export async function putManifest(
  session: Session,
  repository: string,
  reference: string,
  manifest: { readonly bytes: Uint8Array; readonly mediaType: string },
  scopes: readonly string[] = [pushScope(repository)],
): Promise<{ readonly subjectKept: boolean }> {
  const what = `the manifest of ${repository}:${reference}`;
  return await session.retrying(async () => {
    const reply = await session.send({
      method: "PUT",
      target: `/v2/${repository}/manifests/${reference}`,
      repository,
      scopes,
      headers: { "content-type": manifest.mediaType },
      body: manifest.bytes,
    });
    if (reply.status !== 201 && reply.status !== 200 && reply.status !== 202)
      throw await answerError(reply, what);
    await reply.discard();
    const said = reply.header("docker-content-digest");
    if (isDigest(said)) {
      const digest = digestOf(manifest.bytes, digestAlgorithm(said));
      if (digest !== said) {
        throw new OciError("mismatch", `the registry kept the manifest ${digest} as ${said}`);
      }
    }
    return { subjectKept: reply.header("oci-subject") !== undefined };
  });
}

/**
 * Deletes a manifest by digest, or a tag.
 * @throws RegistryError (`not-found`, `unsupported`)
 */
export async function deleteManifest(session: Session, repository: string, reference: string): Promise<void> {
  const what = `deleting ${repository}${isDigest(reference) ? "@" : ":"}${reference}`;
  await session.retrying(async () => {
    const reply = await session.send({
      method: "DELETE",
      target: `/v2/${repository}/manifests/${reference}`,
      repository,
      scopes: [`repository:${repository}:delete`],
    });
    if (reply.status === 405 || reply.status === 400) {
      const { message } = await answerError(reply, what);
      throw new RegistryError("unsupported", message, { status: reply.status });
    }
    await (await expectStatus(reply, what, 202, 200, 204)).discard();
  });
}
