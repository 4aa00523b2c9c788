/**
 * Searching for repositories (REGISTRY 4.4): the search of Docker's first registry protocol, which Docker
 * Hub still has; elsewhere the list of repositories, looked through here.
 */
import * as v from "valibot";
import { parseJson, validate } from "../oci/json.ts";
import { expectStatus } from "./answers.ts";
import { isRegistryError, RegistryError } from "./errors.ts";
import { listRepositories } from "./lists.ts";
import { type RegistryOptions, Session } from "./session.ts";

const MAX_ANSWER = 16 * 1024 * 1024;
const HUB = "docker.io";
const HUB_SEARCH = "index.docker.io";
const OFFICIAL = "library/";

export interface SearchResult {
  readonly name: string;
  readonly description: string;
  readonly stars: number;
  readonly official: boolean;
  readonly automated: boolean;
}

const answerSchema = v.looseObject({
  results: v.optional(
    v.array(
      v.looseObject({
        name: v.string(),
        description: v.optional(v.string()),
        star_count: v.optional(v.number()),
        is_official: v.optional(v.boolean()),
        is_automated: v.optional(v.boolean()),
      }),
    ),
  ),
});

async function searchV1(session: Session, term: string, limit: number): Promise<readonly SearchResult[]> {
  const what = `searching ${session.endpoint.domain}`;
  const target = `/v1/search?q=${encodeURIComponent(term)}&n=${limit}`;
  const { bytes } = await session.document({ method: "GET", target, scopes: [] }, MAX_ANSWER, what, (reply) =>
    expectStatus(reply, what, 200),
  );
  const { results = [] } = validate(answerSchema, parseJson(bytes, what, MAX_ANSWER), what);
  return results.map((result) => ({
    name: result.name,
    description: result.description ?? "",
    stars: result.star_count ?? 0,
    official: result.is_official ?? false,
    automated: result.is_automated ?? false,
  }));
}

/** Looks through all repositories: one that is exactly the term comes first. */
async function searchCatalog(
  session: Session,
  term: string,
  limit: number,
): Promise<readonly SearchResult[]> {
  const wanted = term.startsWith(OFFICIAL) ? term.slice(OFFICIAL.length) : term;
  const found: string[] = [];
  for await (const name of listRepositories(session)) {
    if (name === wanted) found.unshift(name);
    else if (name.includes(wanted)) found.push(name);
  }
  return found.slice(0, limit).map((name) => ({
    name: `${session.endpoint.domain}/${name}`,
    description: "",
    stars: 0,
    official: false,
    automated: false,
  }));
}

/**
 * Repositories for a term.
 * @param domain the registry, `docker.io` for Docker Hub
 * @param limit from 1 to 100
 * @throws RegistryError
 */
export async function search(
  domain: string,
  term: string,
  limit: number,
  options: RegistryOptions = {},
): Promise<readonly SearchResult[]> {
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
    throw new RegistryError("invalid", `Limit ${limit} is outside the range of [1, 100]`);
  }
  const session = new Session(domain === HUB ? HUB_SEARCH : domain, options);
  try {
    try {
      return await searchV1(session, term, limit);
    } catch (error) {
      const without = isRegistryError(
        error,
        "not-found",
        "unsupported",
        "protocol",
        "unauthorized",
        "denied",
      );
      if (domain === HUB || !without) throw error;
    }
    return await searchCatalog(session, term, limit);
  } finally {
    await session.close();
  }
}
