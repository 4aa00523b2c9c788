/**
 * What `--volume`, `--mount` and `--tmpfs` say: directories of the host and filesystems in memory, in
 * Docker's three ways to write them (docker/cli, opts/mount.go and compose/loader/volume.go).
 */
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import type { ContainerAttachment } from "../store/container-records.ts";

/** An error in a flag's value, to be told with the flag. */
export class FlagValueError extends Error {}

const NO_VOLUMES = "there are no named volumes here; give a path of the host, or type=tmpfs";
const UNITS = "bkmgt";

/** A size in bytes: `64m`, `1g`, `65536`; units are powers of 1024. */
function bytes(text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(text);
  if (match === null) throw new FlagValueError(`invalid size: '${text}'`);
  const power = Math.max(0, UNITS.indexOf(match[2]!.toLowerCase() || "b"));
  return Math.floor(Number(match[1]) * 1024 ** power);
}

function octal(text: string): number {
  if (!/^[0-7]{1,4}$/.test(text)) throw new FlagValueError(`invalid mode: '${text}'`);
  return Number.parseInt(text, 8);
}

function absoluteTarget(text: string, what: string): string {
  if (!text.startsWith("/")) {
    throw new FlagValueError(`invalid ${what}: '${text}' mount path must be absolute`);
  }
  if (/^\/+$/.test(text)) throw new FlagValueError(`invalid ${what}: destination can't be '/'`);
  return text.replace(/\/+$/, "");
}

/** `HOST:CONTAINER[:OPTIONS]`. A directory of the host that is missing is made, as Docker does. */
export function parseVolume(text: string): ContainerAttachment {
  const parts = text.split(":");
  const [source = "", target = "", options = ""] = parts;
  if (parts.length < 2) throw new FlagValueError(NO_VOLUMES);
  if (parts.length > 3 || source === "" || target === "") {
    throw new FlagValueError(`invalid volume specification: '${text}'`);
  }
  if (!/^[./~]/.test(source)) throw new FlagValueError(NO_VOLUMES);
  const flags = options === "" ? [] : options.split(",");
  for (const flag of flags) {
    // SELinux labels and propagation have no meaning where nothing is mounted.
    if (!/^(ro|rw|z|Z|cached|delegated|consistent|r?(private|shared|slave))$/.test(flag)) {
      throw new FlagValueError(`invalid mode: ${options}`);
    }
  }
  const path = resolve(source);
  const attachment = {
    type: "bind" as const,
    source: path,
    target: absoluteTarget(target, "volume specification"),
    readOnly: flags.includes("ro"),
  };
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    // A file of that name can be attached, too.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return attachment;
}

function boolean(text: string | undefined, key: string): boolean {
  if (text === undefined || /^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  throw new FlagValueError(`invalid value for ${key}: ${text}`);
}

/** `type=bind,source=…,target=…[,readonly]` or `type=tmpfs,target=…[,tmpfs-size=…][,tmpfs-mode=…]`. */
export function parseMount(text: string): ContainerAttachment {
  let type = "volume";
  let source: string | undefined;
  let target = "";
  let readOnly = false;
  let limits: { size?: number; mode?: number } = {};
  for (const field of text.split(",")) {
    const equals = field.indexOf("=");
    const key = (equals < 0 ? field : field.slice(0, equals)).toLowerCase();
    const value = equals < 0 ? undefined : field.slice(equals + 1);
    if (key === "readonly" || key === "ro") {
      readOnly = boolean(value, key);
      continue;
    }
    if (value === undefined) {
      throw new FlagValueError(`invalid field '${field}' must be a key=value pair`);
    }
    if (key === "type") type = value.toLowerCase();
    else if (key === "source" || key === "src") source = value;
    else if (key === "target" || key === "dst" || key === "destination") target = value;
    else if (key === "tmpfs-size") limits = { ...limits, size: bytes(value) };
    else if (key === "tmpfs-mode") limits = { ...limits, mode: octal(value) };
    else if (key !== "bind-propagation" && key !== "consistency") {
      throw new FlagValueError(`unexpected key '${key}' in '${field}'`);
    }
  }
  if (target === "") throw new FlagValueError("target is required");
  const place = absoluteTarget(target, "mount config");
  if (type === "tmpfs") {
    if (source !== undefined) throw new FlagValueError("source is not allowed for type=tmpfs");
    return { type, target: place, readOnly, ...limits };
  }
  if (type !== "bind") throw new FlagValueError(NO_VOLUMES);
  if (source === undefined || source === "") throw new FlagValueError("source is required for type=bind");
  return { type, source: resolve(source), target: place, readOnly };
}

/** `PATH[:size=…,mode=…,ro]`. */
export function parseTmpfs(text: string): ContainerAttachment {
  const colon = text.indexOf(":");
  const target = absoluteTarget(colon < 0 ? text : text.slice(0, colon), "tmpfs specification");
  const flags = colon < 0 ? [] : text.slice(colon + 1).split(",");
  const value = (key: string) => flags.find((flag) => flag.startsWith(`${key}=`))?.slice(key.length + 1);
  const [size, mode] = [value("size"), value("mode")];
  return {
    type: "tmpfs",
    target,
    readOnly: flags.includes("ro"),
    ...(size === undefined ? {} : { size: bytes(size) }),
    ...(mode === undefined ? {} : { mode: octal(mode) }),
  };
}
