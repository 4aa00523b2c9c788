/**
 * Where `strata build` puts its result: `--output`, `--push`, and what the flags without them mean.
 */
import type { BuildOutput } from "../build/outputs.ts";
import type { ByteStream } from "../platform/types.ts";
import type { PushOptions } from "../runtime/push.ts";
import { fields, invalid } from "./build-values.ts";
import type { Context } from "./context.ts";
import { Failure } from "./failure.ts";
import { writeOutputFile } from "./output-file.ts";

export interface OutputFlags {
  readonly output: readonly string[];
  readonly push?: true;
}

export interface AskedOutputs {
  readonly outputs: readonly BuildOutput[];
  /** Names of `type=image,name=…`. */
  readonly names: readonly string[];
  readonly family: "oci" | "docker" | undefined;
}

const TYPES = ["image", "registry", "oci", "docker", "tar", "local"];

function writer(context: Context, text: string, path: string | undefined) {
  if (path !== undefined && path !== "-") return (bytes: ByteStream) => writeOutputFile(path, bytes);
  if (context.terminal.stdout.isTTY) {
    throw new Failure(`ERROR: dest file is required for ${text} exporter. refusing to write to console`);
  }
  return async (bytes: ByteStream) => {
    for await (const chunk of bytes) await context.write(chunk);
  };
}

function outputOf(context: Context, text: string, push: PushOptions) {
  if (text === "-")
    return {
      output: { kind: "tar" as const, write: writer(context, "tar", "-") },
      given: new Map<string, string>(),
    };
  if (!text.includes("="))
    return { output: { kind: "local" as const, directory: text }, given: new Map<string, string>() };
  const given = fields("-o, --output", text);
  const type = given.get("type");
  const dest = given.get("dest");
  if (type === undefined) throw invalid("-o, --output", text, "type is required for output");
  if (!TYPES.includes(type)) throw invalid("-o, --output", text, `unsupported output type ${type}`);
  if (type === "local") {
    if (dest === undefined) throw invalid("-o, --output", text, "dest is required for local output");
    return { output: { kind: type, directory: dest } as const, given };
  }
  if (type === "oci" || type === "docker" || type === "tar") {
    // As with Docker, `type=docker` without a file is the store.
    const isStore = type === "docker" && dest === undefined;
    const output = isStore
      ? ({ kind: "store" } as const)
      : ({ kind: type, write: writer(context, type, dest) } as const);
    return { output, given };
  }
  const pushed = type === "registry" || given.get("push") === "true";
  return {
    output: pushed ? ({ kind: "push", options: push } as const) : ({ kind: "store" } as const),
    given,
  };
}

/** @throws Failure with exit code 125 */
export function outputsOf(context: Context, flags: OutputFlags, push: PushOptions): AskedOutputs {
  const asked = flags.output.map((text) => outputOf(context, text, push));
  const outputs: BuildOutput[] = asked.map(({ output }) => output);
  if (flags.push && !outputs.some(({ kind }) => kind === "push")) {
    if (outputs.length > 0) throw new Failure("ERROR: push and output currently can't be used together");
    outputs.push({ kind: "push", options: push });
  }
  const docker = asked.some(
    ({ output, given }) => output.kind === "docker" || given.get("oci-mediatypes") === "false",
  );
  return {
    outputs: outputs.length === 0 ? [{ kind: "store" }] : outputs,
    names: asked.flatMap(({ given }) => given.get("name")?.split(",") ?? []),
    family: docker ? "docker" : undefined,
  };
}
