/**
 * The flag `--executor`: what runs commands, and the line that says so.
 */
import { MACHINES } from "../build/build.ts";
import type { ImagePlatform } from "../oci/platform.ts";
import type { Container } from "../runtime/container.ts";
import type { Executor } from "../runtime/executor.ts";
import type { Context } from "./context.ts";
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
  const [{ shellExecutor }, { nativeExecutor, nativeUnavailable }, { hostPlatform }] = await Promise.all([
    import("../runtime/shell-executor.ts"),
    import("../runtime/native-executor.ts"),
    import("../runtime/environment.ts"),
  ]);
  const shell = ({ architecture }: ImagePlatform) =>
    shellExecutor({ architecture: MACHINES.get(architecture) ?? architecture });
  const unavailable = name === "shell" ? undefined : nativeUnavailable();
  if (name === "native" && unavailable !== undefined) throw new Failure(`strata: ${unavailable}`, FLAG_ERROR);
  if (name === "shell" || unavailable !== undefined) {
    say(`commands run in the simulated shell${unavailable === undefined ? "" : `: ${unavailable}`}`);
    return shell;
  }
  say("commands run as real processes");
  const native = nativeExecutor();
  const { os, architecture } = hostPlatform();
  const isHost = (platform: ImagePlatform) => platform.os === os && platform.architecture === architecture;
  return (platform) => (name === "native" || isHost(platform) ? native : shell(platform));
}

/** What runs the command of a container; nothing where the flag was not given. */
export async function executorOf(
  context: Context,
  name: string | undefined,
  container: Container,
): Promise<{ readonly executor?: Executor }> {
  if (name === undefined) return {};
  const { config } = await container.image();
  const { os = "linux", architecture = "" } = config;
  return { executor: (await executorFlag(name, (line) => context.complain(line)))({ os, architecture }) };
}
