/**
 * What a store takes from its surroundings where nobody says otherwise: its directory, the platform,
 * the time things are made at.
 */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { platform } from "#platform";
import { type ImagePlatform, parsePlatform } from "../oci/platform.ts";
import { fromSeconds, type Nanoseconds, seconds, subsecond } from "../posix/time.ts";
import { StoreError } from "../store/errors.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the store is: what was asked for, `STRATAFS_ROOT`, else `stratafs` in the XDG data home. */
export function storeDirectory(asked: string | undefined, env: Environment): string {
  const named = asked || env.STRATAFS_ROOT;
  if (named) return resolve(named);
  // The XDG base directory specification: a relative path is to be ignored.
  const data = env.XDG_DATA_HOME?.startsWith("/")
    ? env.XDG_DATA_HOME
    : join(env.HOME || homedir(), ".local/share");
  return join(data, "stratafs");
}

/** Node's names of architectures that differ from those of images. */
const ARCHITECTURES: ReadonlyMap<string, string> = new Map([
  ["x64", "amd64"],
  ["ia32", "386"],
  ["mipsel", "mipsle"],
]);

/** Linux on the machine this runs on. */
export function hostPlatform(): ImagePlatform {
  return parsePlatform(`linux/${ARCHITECTURES.get(process.arch) ?? process.arch}`);
}

/** The last second of the year 9999: the times of a config are RFC 3339, which ends there. */
const LAST_SECOND = 253_402_300_799n;

/**
 * The time of `SOURCE_DATE_EPOCH`, if it is set.
 * @throws StoreError (`invalid`) where it is no number of seconds, or one beyond the year 9999
 */
export function sourceDate(env: Environment): Nanoseconds | undefined {
  const text = env.SOURCE_DATE_EPOCH;
  if (text === undefined || text === "") return undefined;
  if (!/^[0-9]{1,12}$/.test(text) || BigInt(text) > LAST_SECOND) {
    throw new StoreError("invalid", `SOURCE_DATE_EPOCH is not a number of seconds: ${JSON.stringify(text)}`);
  }
  return fromSeconds(BigInt(text));
}

/** RFC 3339 in UTC with as many digits of the second as are not zero, as Go writes it. */
export function formatTime(time: Nanoseconds): string {
  const whole = new Date(Number(seconds(time)) * 1000).toISOString().slice(0, 19);
  const part = subsecond(time);
  return part === 0 ? `${whole}Z` : `${whole}.${String(part).padStart(9, "0").replace(/0+$/, "")}Z`;
}

/** When something is made: `SOURCE_DATE_EPOCH`, else what was asked for, else now. */
export function creationTime(asked: Nanoseconds | undefined, env: Environment): Nanoseconds {
  return sourceDate(env) ?? asked ?? platform.now();
}
