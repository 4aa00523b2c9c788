/**
 * Ports as EXPOSE takes them: `80`, `53/udp`, `8000-8010`. An address or a port of the host before it, as
 * `docker run -p` takes them, means nothing here and is passed over (lint warns of it).
 */

export interface ExposedPorts {
  /** `80/tcp`, in ascending order. */
  readonly ports: readonly string[];
  /** The protocol as it is written; empty where none is. */
  readonly protocol: string;
  /** An address or a port of the host was given. */
  readonly mapped: boolean;
}

const PROTOCOLS: ReadonlySet<string> = new Set(["tcp", "udp", "sctp"]);
const MAX_PORT = 65_535;

function portRange(text: string): readonly [number, number] | undefined {
  const match = /^([0-9]+)(?:-([0-9]+))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first <= last && last <= MAX_PORT ? [first, last] : undefined;
}

function isAddress(text: string): boolean {
  const bare = /^\[(.*)\]$/.exec(text)?.[1];
  if (bare !== undefined) return /^[0-9a-fA-F:.%]+$/.test(bare) && bare.includes(":");
  return /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(text);
}

/** The ports that a word of EXPOSE means, or what is wrong with it. */
export function parsePorts(word: string): ExposedPorts | { readonly problem: string } {
  const slash = word.indexOf("/");
  const [container = "", host, ...address] = (slash < 0 ? word : word.slice(0, slash)).split(":").reverse();
  const protocol = slash < 0 ? "" : word.slice(slash + 1);
  if (container === "") return { problem: `no port specified: ${word}<empty>` };
  if (protocol !== "" && !PROTOCOLS.has(protocol.toLowerCase()))
    return { problem: `invalid proto: ${protocol}` };
  const range = portRange(container);
  if (range === undefined) return { problem: `invalid containerPort: ${container}` };
  const [first, last] = range;
  if (host) {
    const hostRange = portRange(host);
    if (hostRange === undefined) return { problem: `invalid hostPort: ${host}` };
    if (last - first !== hostRange[1] - hostRange[0] && last !== first) {
      return { problem: `invalid ranges specified for container and host Ports: ${container} and ${host}` };
    }
  }
  const ip = address.reverse().join(":");
  if (ip !== "" && !isAddress(ip)) return { problem: `invalid IP address: ${ip}` };
  const suffix = protocol.toLowerCase() || "tcp";
  const ports = Array.from({ length: last - first + 1 }, (_, i) => `${first + i}/${suffix}`);
  return { ports, protocol, mapped: host !== undefined };
}
