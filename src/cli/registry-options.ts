/**
 * What commands that talk to registries have in common: their flags, and how failures are worded.
 */
import type { Command } from "commander";
import { OciError } from "../oci/errors.ts";
import { type ImagePlatform, parsePlatform } from "../oci/platform.ts";
import { RegistryError } from "../registry/errors.ts";
import type { RegistryOptions } from "../registry/session.ts";
import { StoreError } from "../store/errors.ts";
import type { Context } from "./context.ts";
import { Failure, refused } from "./failure.ts";

export interface RegistryFlags {
  readonly insecure?: true;
  readonly certDir?: string;
}

/** Adds the flags for how registries are connected to. */
export function addRegistryFlags(command: Command): Command {
  return command
    .option("--cert-dir <dir>", "Certificates for the registry: *.crt, and *.cert with *.key of the client")
    .option("--insecure", "Accept any certificate, and a registry that speaks plain HTTP");
}

export function registryOptions(context: Context, flags: RegistryFlags): RegistryOptions {
  return {
    env: context.terminal.env,
    warn: (message) => context.complain(`WARNING: ${message}`),
    ...(flags.insecure ? { insecure: true } : {}),
    ...(flags.certDir === undefined ? {} : { certificates: flags.certDir }),
  };
}

/** The platform of a `--platform` flag. */
export function platformFlag(text: string | undefined): ImagePlatform | undefined {
  if (text === undefined) return undefined;
  try {
    return parsePlatform(text);
  } catch (error) {
    if (error instanceof OciError) throw new Failure(error.message);
    throw error;
  }
}

/** An error of a registry or of what came from it, in the words that Docker's daemon has for it. */
export function registryFailure(error: unknown): unknown {
  if (error instanceof StoreError && error.code === "invalid") return new Failure(error.message);
  const known = error instanceof RegistryError || error instanceof OciError || error instanceof StoreError;
  return known ? refused(error.message) : error;
}
