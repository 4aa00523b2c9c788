/**
 * Reading answers: documents of bounded size, errors in the registry's own words, warnings.
 */
import * as v from "valibot";
import { OciError } from "../oci/errors.ts";
import { parseJson, validate } from "../oci/json.ts";
import { RegistryError, type RegistryErrorCode } from "./errors.ts";
import type { Reply } from "./network.ts";
import { parseRetryAfter } from "./retry.ts";

/** How much of an error's body is read. */
const MAX_ERROR = 64 * 1024;
/** How much of the registry's words is shown. */
const MAX_SHOWN = 500;
const TRANSIENT: ReadonlySet<number> = new Set([408, 429, 499, 500, 502, 503, 504, 522]);

/**
 * The body of an answer.
 * @param limit in bytes; a larger body is not read to its end
 * @throws RegistryError (`limit`, `unreachable`)
 */
export async function readBody(reply: Reply, limit: number, what: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of reply.body) {
    size += chunk.length;
    if (size > limit) throw new RegistryError("limit", `${what} has more than the ${limit} bytes allowed`);
    chunks.push(chunk);
  }
  const promised = reply.header("content-length");
  if (promised !== undefined && Number(promised) !== size) {
    throw new RegistryError("unreachable", `${reply.url.host}: ${what} was cut off`, { transient: true });
  }
  return Buffer.concat(chunks);
}

const errorsSchema = v.looseObject({
  errors: v.array(v.looseObject({ code: v.optional(v.string()), message: v.optional(v.string()) })),
});
const detailsSchema = v.looseObject({ details: v.string() });

/** A text of the registry's, safe to show: one line, no control characters, not too long. */
function shown(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}]+/gu, " ").trim();
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN)}…` : line;
}

/** Error codes and messages as Docker's own client words them: `manifest unknown: manifest unknown`. */
export function registryWords(body: Uint8Array): string | undefined {
  try {
    const json = parseJson(body, "the answer", MAX_ERROR);
    if (json.errors === undefined) return shown(validate(detailsSchema, json, "the answer").details);
    const { errors } = validate(errorsSchema, json, "the answer");
    const words = errors.map(({ code = "UNKNOWN", message }) => {
      const name = code.toLowerCase().replaceAll("_", " ");
      return message ? `${name}: ${message}` : name;
    });
    return words.length === 0 ? undefined : shown(words.join("; "));
  } catch (error) {
    if (error instanceof OciError) return undefined;
    throw error;
  }
}

function codeOf(status: number): RegistryErrorCode {
  if (status === 401) return "unauthorized";
  if (status === 403) return "denied";
  if (status === 404) return "not-found";
  if (status === 405 || status === 501) return "unsupported";
  return TRANSIENT.has(status) ? "unavailable" : "protocol";
}

/** The error that an answer is. Reads its body. */
export async function answerError(reply: Reply, what: string): Promise<RegistryError> {
  const body = await readBody(reply, MAX_ERROR, what).catch(() => new Uint8Array());
  // What is no JSON is a page made for a browser, and not repeated.
  const words = registryWords(body) ?? `${reply.url.host} answered with status ${reply.status}`;
  const retryAfter = parseRetryAfter(reply.header("retry-after"), Date.now());
  return new RegistryError(codeOf(reply.status), `${what}: ${words}`, {
    status: reply.status,
    detail: words,
    transient: TRANSIENT.has(reply.status),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
}

/** Gives an answer back that has one of these statuses. @throws RegistryError for any other */
export async function expectStatus(
  reply: Reply,
  what: string,
  ...statuses: readonly number[]
): Promise<Reply> {
  if (statuses.includes(reply.status)) return reply;
  throw await answerError(reply, what);
}

/** The texts of `Warning: 299 - "text"` headers. */
export function warnings(reply: Reply): readonly string[] {
  return reply.headers("warning").flatMap((header) => {
    const match = /^299 \S+ "((?:[^"\\]|\\.)*)"/.exec(header);
    return match === null ? [] : [shown(match[1]!.replace(/\\(.)/g, "$1"))];
  });
}
