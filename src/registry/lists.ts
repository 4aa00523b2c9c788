/**
 * Lists that come in pages: tags of a repository, repositories of a registry (REGISTRY 4.4).
 */
import * as v from "valibot";
import { parseJson, validate } from "../oci/json.ts";
import { expectStatus } from "./answers.ts";
import { RegistryError } from "./errors.ts";
import { pullScope } from "./manifests.ts";
import type { Reply } from "./network.ts";
import type { Session } from "./session.ts";

const MAX_PAGE = 16 * 1024 * 1024;
const PAGE_LENGTH = 1000;
/** Past this a registry is playing with us. */
const MAX_PAGES = 10_000;

const tagsSchema = v.looseObject({ tags: v.optional(v.array(v.string())) });
const catalogSchema = v.looseObject({ repositories: v.optional(v.array(v.string())) });

/** The address of the next page in a `Link` header (RFC 8288); undefined for the last one. */
export function nextLink(header: string | undefined): string | undefined {
  for (const link of (header ?? "").matchAll(/<([^>]*)>((?:\s*;\s*[^;,"]+(?:=?"[^"]*")?)*)/g)) {
    if (/;\s*rel\s*=\s*"?next"?\s*(?:;|$)/i.test(link[2]!)) return link[1];
  }
  return undefined;
}

/** Every page, until there is no next one. A page on another host or one that was there already is refused. */
export async function* pages(
  session: Session,
  first: string,
  what: string,
  access: { readonly repository?: string; readonly scopes: readonly string[] },
): AsyncGenerator<{ readonly reply: Reply; readonly bytes: Uint8Array }> {
  let target: string | URL = first;
  const seen = new Set<string>();
  for (let page = 0; page < MAX_PAGES; page++) {
    const got = await session.document({ method: "GET", target, ...access }, MAX_PAGE, what, (reply) =>
      expectStatus(reply, what, 200),
    );
    yield got;
    const next = nextLink(got.reply.header("link"));
    if (next === undefined) return;
    const url: URL = await session.address(next, got.reply.url);
    if (url.origin !== (await session.base()).origin) {
      throw new RegistryError("unsafe", `${what} go on at another host, ${url.host}`);
    }
    if (seen.has(url.href)) throw new RegistryError("protocol", `${what} go around in a circle`);
    seen.add(url.href);
    target = url;
  }
  throw new RegistryError("limit", `${what} have more than ${MAX_PAGES} pages`);
}

/** The tags of a repository, in the registry's order. @throws RegistryError (`not-found`) */
export async function* listTags(session: Session, repository: string): AsyncGenerator<string> {
  const what = `the tags of ${repository}`;
  const access = { repository, scopes: [pullScope(repository)] };
  for await (const { bytes } of pages(
    session,
    `/v2/${repository}/tags/list?n=${PAGE_LENGTH}`,
    what,
    access,
  )) {
    yield* validate(tagsSchema, parseJson(bytes, what, MAX_PAGE), what).tags ?? [];
  }
}

/**
 * The repositories of a registry, in its order. Many registries show them to nobody.
 * @param pageLength how many to ask for at a time
 */
export async function* listRepositories(session: Session, pageLength = PAGE_LENGTH): AsyncGenerator<string> {
  const what = `the repositories of ${session.endpoint.domain}`;
  const access = { scopes: ["registry:catalog:*"] };
  for await (const { bytes } of pages(session, `/v2/_catalog?n=${pageLength}`, what, access)) {
    yield* validate(catalogSchema, parseJson(bytes, what, MAX_PAGE), what).repositories ?? [];
  }
}
