/**
 * Downloading a blob: its bytes in order, over as many connections as it takes (REGISTRY 4.3).
 *
 * A broken connection is taken up where it broke. Whether the bytes are the promised ones is for the
 * reader to check; here only their number is.
 */
import type { Descriptor } from "../oci/descriptor.ts";
import { OciError } from "../oci/errors.ts";
import type { ByteStream } from "../platform/types.ts";
import { answerError, expectStatus } from "./answers.ts";
import { RegistryError } from "./errors.ts";
import { pullScope } from "./manifests.ts";
import type { Reply } from "./network.ts";
import { Attempts } from "./retry.ts";
import type { Session } from "./session.ts";

/** With this many bytes a connection has proved itself: what failed before does not count. */
const PROGRESS = 1024 * 1024;

/** How many bytes are handed on at a time. */
const PIECE = 256 * 1024;

/** Where the bytes of an answer begin. @throws RegistryError (`protocol`), OciError (`mismatch`) */
function startOf(reply: Reply, { digest, size }: Descriptor, wanted: number): number {
  if (reply.status === 200) {
    const length = reply.header("content-length");
    if (length !== undefined && Number(length) !== size) {
      throw new OciError("mismatch", `the blob ${digest} has ${length} bytes, not the promised ${size}`);
    }
    return 0;
  }
  const range = /^bytes ([0-9]+)-([0-9]+)\/([0-9]+|\*)$/.exec(reply.header("content-range") ?? "");
  if (range === null || Number(range[1]) !== wanted || Number(range[2]) >= size) {
    throw new RegistryError(
      "protocol",
      `${reply.url.host} gave another range of the blob ${digest} than asked for`,
    );
  }
  if (range[3] !== "*" && Number(range[3]) !== size) {
    throw new OciError("mismatch", `the blob ${digest} has ${range[3]} bytes, not the promised ${size}`);
  }
  return wanted;
}

async function open(
  session: Session,
  repository: string,
  descriptor: Descriptor,
  from: number,
  elsewhere: URL | undefined,
): Promise<Reply> {
  const what = `the blob ${descriptor.digest}`;
  const reply = await session.send({
    method: "GET",
    target: elsewhere ?? `/v2/${repository}/blobs/${descriptor.digest}`,
    repository,
    scopes: [pullScope(repository)],
    headers: from > 0 ? { range: `bytes=${from}-` } : {},
  });
  if (reply.status === 206 && from === 0) throw await answerError(reply, what);
  return await expectStatus(reply, what, 200, 206);
}

/**
 * One connection's bytes, of which the first `skip` were seen before, in pieces that are worth their cost:
 * sockets give them in small ones, and each is hashed, written and decompressed by itself. What came before a
 * failure is given first.
 */
async function* rest(reply: Reply, skip: number): ByteStream {
  let left = skip;
  let held: Uint8Array[] = [];
  let size = 0;
  const taken = () => {
    const piece = held.length === 1 ? held[0]! : Buffer.concat(held, size);
    held = [];
    size = 0;
    return piece;
  };
  try {
    for await (const chunk of reply.body) {
      const fresh = left === 0 ? chunk : chunk.subarray(Math.min(left, chunk.length));
      left -= chunk.length - fresh.length;
      if (fresh.length === 0) continue;
      held.push(fresh);
      size += fresh.length;
      if (size >= PIECE) yield taken();
    }
  } catch (error) {
    if (size > 0) yield taken();
    throw error;
  }
  if (size > 0) yield taken();
}

/**
 * A blob's bytes.
 * @param from how many of them are there already
 * @param elsewhere an address of it that is not the registry's
 * @throws RegistryError; OciError (`mismatch`) as soon as there are more than promised
 */
export async function* downloadBlob(
  session: Session,
  repository: string,
  descriptor: Descriptor,
  from = 0,
  elsewhere?: URL,
): ByteStream {
  const { digest, size } = descriptor;
  const attempts = new Attempts(session.retries, session.signal);
  let at = from;
  let proven = from;
  while (at < size) {
    try {
      const reply = await open(session, repository, descriptor, at, elsewhere);
      const start = startOf(reply, descriptor, at);
      for await (const chunk of rest(reply, at - start)) {
        at += chunk.length;
        if (at > size)
          throw new OciError("mismatch", `the blob ${digest} has more than the promised ${size} bytes`);
        if (at - proven >= PROGRESS) {
          proven = at;
          attempts.reset();
        }
        yield chunk;
      }
      if (at < size) {
        throw new RegistryError("unreachable", `the blob ${digest} ended after ${at} of ${size} bytes`, {
          transient: true,
        });
      }
    } catch (error) {
      await attempts.failed(error);
    }
  }
}
