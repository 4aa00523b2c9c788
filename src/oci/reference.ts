/**
 * Image references, as Docker writes and reads them (distribution/reference).
 *
 * A `Reference` is always normalised: `busybox` has the domain `docker.io` and the path
 * `library/busybox`. The familiar form, which users see, is made only for display. Errors have the
 * words of Docker's own parser, because scripts look at them.
 */
import { type Digest, parseDigest } from "./digest.ts";
import { OciError } from "./errors.ts";

export interface Reference {
  /** Host, with a port where one is named: `docker.io`, `[::1]:5000`. */
  readonly domain: string;
  /** Repository within the domain: `library/busybox`. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const DEFAULT_DOMAIN = "docker.io";
const LEGACY_DOMAIN = "index.docker.io";
const OFFICIAL = "library";
const DEFAULT_TAG = "latest";
const MAX_NAME = 255;

const DOMAIN_PART = "(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)";
const DOMAIN = `(?:(?:${DOMAIN_PART}(?:\\.${DOMAIN_PART})*)|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const PATH_PART = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const TAG = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
const DIGEST = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
const REFERENCE = new RegExp(
  `^((?:(?:${DOMAIN})/)?${PATH_PART}(?:/${PATH_PART})*)(?::(${TAG}))?(?:@(${DIGEST}))?$`,
);
const ONLY_TAG = new RegExp(`^${TAG}$`);
const IDENTIFIER = /^[a-f0-9]{64}$/;
/** Longer than any reference can be; keeps the patterns from being run over a document. */
const MAX_TEXT = 2048;

function invalid(detail = ""): OciError {
  return new OciError("reference", `invalid reference format${detail}`);
}

/** Where the domain ends, by the rule that tells `localhost/x` and `host:5000/x` from `user/x`. */
function splitDomain(text: string): { domain: string; rest: string } {
  const slash = text.indexOf("/");
  const first = text.slice(0, slash);
  let domain = DEFAULT_DOMAIN;
  let rest = text;
  if (slash >= 0 && (/[.:]/.test(first) || first === "localhost" || first.toLowerCase() !== first)) {
    domain = first;
    rest = text.slice(slash + 1);
  }
  if (domain === LEGACY_DOMAIN) domain = DEFAULT_DOMAIN;
  if (domain === DEFAULT_DOMAIN && !rest.includes("/")) rest = `${OFFICIAL}/${rest}`;
  return { domain, rest };
}

/**
 * The reference that a text names. No tag is added: see {@link withDefaultTag}.
 * @throws OciError (`reference`, `digest`)
 */
export function parseReference(text: string): Reference {
  if (text.length > MAX_TEXT) throw invalid();
  if (IDENTIFIER.test(text)) {
    throw new OciError(
      "reference",
      `invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`,
    );
  }
  const { domain, rest } = splitDomain(text);
  const name = rest.split(":", 1)[0]!;
  if (name.toLowerCase() !== name) throw invalid(": repository name must be lowercase");
  const match = REFERENCE.exec(`${domain}/${rest}`);
  if (match === null) throw invalid();
  const [, full, tag, digest] = match as unknown as [string, string, string | undefined, string | undefined];
  if (full.length > MAX_NAME) {
    throw new OciError("reference", `repository name must not be more than ${MAX_NAME} characters`);
  }
  return {
    domain,
    path: full.slice(domain.length + 1),
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest: checkedDigest(digest) }),
  };
}

/** A reference's digest with Docker's bare words in the error. */
function checkedDigest(text: string): Digest {
  try {
    return parseDigest(text);
  } catch (error) {
    throw new OciError("reference", (error as OciError).message.replace(/: ".*$/s, ""));
  }
}

/** The reference itself, or with the tag `latest` where it names neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined
    ? { ...reference, tag: DEFAULT_TAG }
    : reference;
}

/** The same repository under another tag, without a digest. */
export function withTag(reference: Reference, tag: string): Reference {
  if (!isTag(tag)) throw invalid();
  return { domain: reference.domain, path: reference.path, tag };
}

/** The same repository at a digest, without a tag. */
export function withDigest(reference: Reference, digest: Digest): Reference {
  return { domain: reference.domain, path: reference.path, digest };
}

/** Whether a text can be a tag. */
export function isTag(text: string): boolean {
  return ONLY_TAG.test(text);
}

function suffix(reference: Reference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  return reference.digest === undefined ? tag : `${tag}@${reference.digest}`;
}

/** The full form: `docker.io/library/busybox:latest`. */
export function formatReference(reference: Reference): string {
  return `${reference.domain}/${reference.path}${suffix(reference)}`;
}

/**
 * The repository as users see it: `busybox` for `docker.io/library/busybox`. A part is left out only
 * where reading the result again gives the same repository.
 */
export function familiarName(reference: Reference): string {
  const full = `${reference.domain}/${reference.path}`;
  if (reference.domain !== DEFAULT_DOMAIN) return full;
  const parts = reference.path.split("/");
  const short = parts.length === 2 && parts[0] === OFFICIAL ? parts[1]! : reference.path;
  if (IDENTIFIER.test(short)) return full;
  const again = splitDomain(short);
  return again.domain === reference.domain && again.rest === reference.path ? short : full;
}

/** The whole reference as users see it: `busybox:latest`. */
export function familiarReference(reference: Reference): string {
  return `${familiarName(reference)}${suffix(reference)}`;
}

/** Whether two references name the same repository. */
export function sameRepository(a: Reference, b: Reference): boolean {
  return a.domain === b.domain && a.path === b.path;
}
