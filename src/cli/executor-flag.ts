/**
 * The flag `--executor`: what runs commands, and the line that says so.
 */
import { MACHINES } from "../build/build.ts";
import type { ImagePlatform } from "../oci/platform.ts";
import type { Executor } from "../runtime/executor.ts";
import { Failure } from "./failure.ts";

const FLAG_ERROR = 125;

/**
 * @param name `shell`, `native` or `auto`
 * @param say is told which one was chosen, once
 * @throws Failure for another name
 */
export async function executorFlag(
  name: string,
  say: (line: string) => void,
): Promise<(platform: ImagePlatform) => Executor> {
  if (!["auto", "native", "shell"].includes(name)) {
    throw new Failure(
      `invalid argument "${name}" for "--executor" flag: must be one of "auto", "native" or "shell"`,
      FLAG_ERROR,
    );
  }
  const { shellExecutor } = await import("../runtime/shell-executor.ts");
  say("#0 RUN uses the simulated shell");
  return ({ architecture }) => shellExecutor({ architecture: MACHINES.get(architecture) ?? architecture });
}
