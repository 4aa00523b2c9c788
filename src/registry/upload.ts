/**
 * Uploading a blob (distribution-spec, "Pushing blobs"; REGISTRY 4.2): not at all where the registry has
 * it, from another repository where it can be had from there, else in one stream, or in chunks where the
 * registry or something before it refuses that.
 *
 * After a broken connection the registry is asked how much arrived, and the upload goes on from there; one
 * that it forgot starts anew. It is complete only when the registry confirmed its digest.
 */
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, isDigest } from "../oci/digest.ts";
import { OciError } from "../oci/errors.ts";
import type { ByteStream } from "../platform/types.ts";
import { answerError, expectStatus } from "./answers.ts";
import { isRegistryError, RegistryError } from "./errors.ts";
import { pullScope, pushScope } from "./manifests.ts";
import type { Reply } from "./network.ts";
import { Attempts } from "./retry.ts";
import type { Session } from "./session.ts";

/** How much is sent at a time where the whole is too much, in bytes. */
const CHUNK = 16 * 1024 * 1024;

export interface UploadSource {
  /** The blob's bytes. May be asked for again. */
  open(): ByteStream;
}

export interface UploadOptions {
  /** Repositories of the same registry that may have it. */
  readonly mountFrom?: readonly string[];
  /** Is told how many bytes were sent. */
  readonly onProgress?: (sent: number) => void;
  /** Send at most this many bytes in one request. */
  readonly chunkSize?: number;
}

export type Uploaded =
  | { readonly kind: "exists" }
  | { readonly kind: "mounted"; readonly from: string }
  | { readonly kind: "uploaded" };

/** Bytes `from` up to `to` of a stream. */
async function* slice(source: ByteStream, from: number, to: number): ByteStream {
  let at = 0;
  for await (const chunk of source) {
    const start = Math.max(from - at, 0);
    const end = Math.min(to - at, chunk.length);
    at += chunk.length;
    if (end > start) yield chunk.subarray(start, end);
    if (at >= to) return;
  }
}

/** Whether a repository has a blob. */
export async function hasBlob(
  session: Session,
  repository: string,
  { digest, size }: Descriptor,
  scopes: readonly string[] = [pullScope(repository)],
): Promise<boolean> {
  return await session.retrying(async () => {
    const target = `/v2/${repository}/blobs/${digest}`;
    const reply = await session.send({ method: "HEAD", target, repository, scopes });
    await reply.discard();
    if (reply.status === 404) return false;
    await expectStatus(reply, `the blob ${digest}`, 200);
    const length = reply.header("content-length");
    return length === undefined || Number(length) === size;
  });
}

/** How much of an upload arrived, by `Range: 0-LAST`; a registry that has none of it says `0-0` too. */
function arrived(reply: Reply): number {
  const last = /^(?:bytes=)?0-([0-9]+)$/.exec(reply.header("range") ?? "")?.[1];
  return last === undefined || last === "0" ? 0 : Number(last) + 1;
}

class Upload {
  readonly #session: Session;
  readonly #repository: string;
  readonly #blob: Descriptor;
  readonly #source: UploadSource;
  readonly #options: UploadOptions;
  readonly #scopes: readonly string[];
  /** Where the upload goes on; undefined for none under way. */
  #location: URL | undefined;
  #at = 0;
  #restarted = false;
  #chunkSize: number;

  constructor(
    session: Session,
    repository: string,
    blob: Descriptor,
    source: UploadSource,
    options: UploadOptions,
  ) {
    this.#session = session;
    this.#repository = repository;
    this.#blob = blob;
    this.#source = source;
    this.#options = options;
    this.#chunkSize = options.chunkSize ?? Number.POSITIVE_INFINITY;
    // The repository itself comes first (REGISTRY 4.1.4).
    this.#scopes = [pushScope(repository), ...(options.mountFrom ?? []).map(pullScope)];
  }

  get #what(): string {
    return `the blob ${this.#blob.digest}`;
  }

  async run(): Promise<Uploaded> {
    for (const from of this.#options.mountFrom ?? []) {
      if (await this.#mount(from)) return { kind: "mounted", from };
      // The registry opened an upload instead: there it goes on.
      if (this.#location !== undefined) break;
    }
    const attempts = new Attempts(this.#session.retries, this.#session.signal);
    for (;;) {
      const before = this.#at;
      try {
        await this.#send();
        return { kind: "uploaded" };
      } catch (error) {
        const failure = this.#repeatable(error);
        if (failure === undefined) {
          await this.#cancel();
          throw error;
        }
        if (error !== failure) await this.#cancel();
        // Perhaps only the confirmation was lost.
        else if (await this.#isThere()) return { kind: "uploaded" };
        else await this.#ask();
        if (this.#at > before) attempts.reset();
        await attempts.failed(failure);
      }
    }
  }

  /** Whether the registry took the blob from another repository. Whatever else it says, the blob is sent. */
  async #mount(from: string): Promise<boolean> {
    try {
      const query = new URLSearchParams({ mount: this.#blob.digest, from });
      const reply = await this.#post(`?${query}`);
      await reply.discard();
      if (reply.status === 201) return true;
      if (reply.status === 202) await this.#note(reply);
      // One session is enough: no other repository is asked for.
      return false;
    } catch (error) {
      if (isRegistryError(error, "aborted", "unsafe")) throw error;
      return false;
    }
  }

  async #post(query: string): Promise<Reply> {
    return await this.#session.send({
      method: "POST",
      target: `/v2/${this.#repository}/blobs/uploads/${query}`,
      repository: this.#repository,
      scopes: this.#scopes,
      headers: { "content-length": "0" },
      body: new Uint8Array(),
    });
  }

  async #note(reply: Reply): Promise<void> {
    this.#location = await this.#session.address(reply.header("location"), reply.url);
    const least = Number(reply.header("oci-chunk-min-length"));
    if (least > this.#chunkSize) this.#chunkSize = least;
  }

  async #send(): Promise<void> {
    if (this.#location === undefined) {
      this.#at = 0;
      const reply = await expectStatus(await this.#post(""), this.#what, 202);
      await reply.discard();
      await this.#note(reply);
    }
    const { size } = this.#blob;
    while (this.#at < size) await this.#patch(Math.min(this.#at + this.#chunkSize, size));
    await this.#finish();
  }

  async #request(
    method: "PATCH" | "PUT" | "GET" | "DELETE",
    target: URL,
    extra: object = {},
  ): Promise<Reply> {
    const access = { repository: this.#repository, scopes: this.#scopes };
    return await this.#session.send({ method, target, ...access, ...extra });
  }

  async #patch(end: number): Promise<void> {
    const from = this.#at;
    const { onProgress } = this.#options;
    const source = this.#source;
    const what = this.#what;
    async function* body(): ByteStream {
      let sent = from;
      for await (const chunk of slice(source.open(), from, end)) {
        yield chunk;
        sent += chunk.length;
        onProgress?.(sent);
      }
      if (sent !== end) throw new OciError("mismatch", `${what} ends after ${sent} bytes`);
    }
    const whole = from === 0 && end === this.#blob.size;
    const reply = await this.#request("PATCH", this.#location!, {
      headers: {
        "content-type": "application/octet-stream",
        "content-length": String(end - from),
        // Without `bytes=`, unlike anywhere else; a whole blob is a stream and has none.
        ...(whole ? {} : { "content-range": `${from}-${end - 1}` }),
      },
      body: body(),
    });
    if (reply.status === 413 && end - from > CHUNK) {
      await reply.discard();
      this.#chunkSize = CHUNK;
      this.#location = undefined;
      throw new RegistryError("unavailable", `${this.#what} is too large for one request`, {
        transient: true,
      });
    }
    await (await expectStatus(reply, this.#what, 202, 201, 204)).discard();
    await this.#note(reply);
    this.#at = end;
  }

  async #finish(): Promise<void> {
    const { digest } = this.#blob;
    const url = new URL(this.#location!);
    // The address has a query of the registry's own, which must stay as it is.
    url.search = `${url.search === "" ? "?" : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
    const reply = await this.#request("PUT", url, {
      headers: { "content-length": "0" },
      body: new Uint8Array(),
    });
    await (await expectStatus(reply, this.#what, 201, 204)).discard();
    const said = reply.header("docker-content-digest");
    if (isDigest(said) && said.startsWith("sha256:") === digest.startsWith("sha256:") && said !== digest) {
      throw new OciError("mismatch", `the registry kept ${this.#what} as ${said}`);
    }
  }

  /**
   * The failure as one that may pass; undefined where it will not. An upload that the registry forgot, or
   * a token that ended while a stream was sent, is worth one new beginning.
   */
  #repeatable(error: unknown): RegistryError | undefined {
    if (!(error instanceof RegistryError)) return undefined;
    if (error.transient) return error;
    const lost = error.status !== undefined && [400, 401, 404, 416].includes(error.status);
    if (!lost || this.#location === undefined || this.#restarted) return undefined;
    this.#restarted = true;
    return new RegistryError(error.code, error.message, { cause: error, transient: true });
  }

  async #isThere(): Promise<boolean> {
    if (this.#location === undefined) return false;
    return await hasBlob(this.#session, this.#repository, this.#blob, this.#scopes);
  }

  /** Finds out how much arrived, and where to go on. */
  async #ask(): Promise<void> {
    const location = this.#location;
    this.#location = undefined;
    if (location === undefined) return;
    try {
      const reply = await this.#request("GET", location);
      await reply.discard();
      if (reply.status !== 204 && reply.status !== 202) return;
      await this.#note(reply);
      this.#at = Math.min(arrived(reply), this.#blob.size);
    } catch (error) {
      if (isRegistryError(error, "aborted")) throw error;
    }
  }

  async #cancel(): Promise<void> {
    const location = this.#location;
    this.#location = undefined;
    if (location === undefined || this.#session.signal?.aborted) return;
    await this.#request("DELETE", location).then(
      (reply) => reply.discard(),
      () => {},
    );
  }
}

/**
 * Brings a blob into a repository.
 * @throws RegistryError, OciError (`mismatch`)
 */
export async function uploadBlob(
  session: Session,
  repository: string,
  blob: Descriptor,
  source: UploadSource,
  options: UploadOptions = {},
): Promise<Uploaded> {
  if (await hasBlob(session, repository, blob, [pushScope(repository)])) return { kind: "exists" };
  return await new Upload(session, repository, blob, source, options).run();
}

/** Deletes a blob. @throws RegistryError (`not-found`, `unsupported`) */
export async function deleteBlob(session: Session, repository: string, digest: Digest): Promise<void> {
  const what = `deleting the blob ${digest}`;
  await session.retrying(async () => {
    const reply = await session.send({
      method: "DELETE",
      target: `/v2/${repository}/blobs/${digest}`,
      repository,
      scopes: [`repository:${repository}:delete`],
    });
    if (reply.status === 405) throw await answerError(reply, what);
    await (await expectStatus(reply, what, 202, 200, 204)).discard();
  });
}
