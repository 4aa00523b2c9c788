/**
 * Which server stands for the domain of a reference, and under which names its credentials are kept.
 */
import { isLoopbackHost } from "./reach.ts";

export interface Endpoint {
  /** As references have it: `docker.io`, `localhost:5000`. */
  readonly domain: string;
  /** Host and port that are connected to. */
  readonly host: string;
  /** The name that `login` keeps credentials under, and `logout` shows. */
  readonly credentialKey: string;
  /** Whether plain HTTP may be tried where there is no HTTPS (REGISTRY 4.1.1). */
  readonly plainAllowed: boolean;
  /** Whether any certificate is accepted. */
  readonly unverified: boolean;
}

const DOCKER_HUB = "docker.io";
const DOCKER_HUB_HOST = "registry-1.docker.io";
/** Docker's own key, from the first version of its registry. */
export const DOCKER_HUB_KEY = "https://index.docker.io/v1/";
const DOCKER_HUB_NAMES: ReadonlySet<string> = new Set([
  DOCKER_HUB,
  DOCKER_HUB_HOST,
  "index.docker.io",
  "hub.docker.com",
]);

/** The host of what a user typed for a registry: `https://host:5000/v1/` is `host:5000`. */
export function registryDomain(text: string): string {
  const host = text.replace(/^[a-z]+:\/\//i, "").replace(/\/.*$/s, "");
  return DOCKER_HUB_NAMES.has(host) ? DOCKER_HUB : host;
}

/** @param insecure accept any certificate, and plain HTTP */
export function endpointOf(domain: string, insecure: boolean): Endpoint {
  const hub = domain === DOCKER_HUB;
  const host = hub ? DOCKER_HUB_HOST : domain;
  const hostname = host.replace(/:[0-9]+$/, "");
  return {
    domain,
    host,
    credentialKey: hub ? DOCKER_HUB_KEY : domain,
    plainAllowed: insecure || isLoopbackHost(hostname),
    unverified: insecure,
  };
}

/** What credentials for a domain may be filed under, best first. */
export function credentialKeys(domain: string): readonly string[] {
  return domain === DOCKER_HUB ? [DOCKER_HUB_KEY, ...DOCKER_HUB_NAMES] : [domain];
}
