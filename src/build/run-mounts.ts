/**
 * What `RUN --mount=…` attaches: parts of other trees, caches that live on between builds, filesystems in
 * memory, secrets. Nothing of it is ever in a layer.
 */
import { digestOf } from "../oci/digest.ts";
import { jsonBytes } from "../oci/json.ts";
import type { StepInputs } from "../store/step-cache.ts";
import { type Mount, tmpfs } from "../union/mount.ts";
import { attachAt, singleFile } from "./attach.ts";
import type { CacheMounts } from "./cache-mounts.ts";
import { resolvePath } from "./context/view.ts";
import { Copier } from "./copier.ts";
import { resolveWorkdir } from "./dockerfile/config-edit.ts";
import type { BindMount, CacheMount, RunMount, SecretMount } from "./dockerfile/run-mounts.ts";
import { BuildError } from "./errors.ts";
import { resolveIn } from "./resolve-path.ts";
import type { SourceTree } from "./source-tree.ts";

/** What mounts are made from. */
export interface MountHost {
  /** A stage, a named context or an image; without a name the build's context. */
  source(from: string | undefined): Promise<SourceTree>;
  readonly caches: CacheMounts;
  /** The bytes of a secret; undefined for one that was not given. */
  secret(id: string): Uint8Array | undefined;
  readonly signal: AbortSignal | undefined;
}

export interface AttachedMounts {
  /** Variables that secrets are given in. */
  readonly environment: readonly (readonly [string, string])[];
  release(): void;
}

/** The mounts of one RUN. */
export interface RunMounts {
  /** What of them decides the command's result: what is in a secret or a cache does not. */
  inputs(): Promise<StepInputs>;
  /** Attaches them. */
  attach(view: Mount): Promise<AttachedMounts>;
}

/** Read and written by root alone, as BuildKit has secrets. */
const SECRET_MODE = 0o400;
const CACHE_MODE = 0o755;

/**
 * @param mounts with their variables expanded
 * @param workingDirectory what relative targets are relative to
 */
export function runMounts(
  mounts: readonly RunMount[],
  workingDirectory: string | undefined,
  host: MountHost,
): RunMounts {
  const targetOf = (mount: RunMount) => resolveWorkdir(workingDirectory, mount.target);
  return {
    async inputs() {
      const inputs: Record<string, string> = {};
      for (const [i, mount] of mounts.entries()) {
        inputs[`mount ${i + 1}`] = JSON.stringify(mount);
        if (mount.type !== "bind") continue;
        inputs[`what mount ${i + 1} shows`] = await bindInput(mount, host);
      }
      return inputs;
    },
    async attach(view) {
      const environment: (readonly [string, string])[] = [];
      const releases: (() => void)[] = [];
      const release = () => {
        for (const each of releases.splice(0)) each();
      };
      try {
        for (const mount of mounts) {
          if (mount.type === "bind") await attachBind(view, targetOf(mount), mount, host);
          else if (mount.type === "cache")
            releases.push(await attachCache(view, targetOf(mount), mount, host));
          else if (mount.type === "tmpfs") {
            const limits = mount.size === undefined ? {} : { limits: { bytes: mount.size } };
            attachAt(view, targetOf(mount), tmpfs(limits));
          } else if (mount.type === "secret") {
            attachSecret(view, mount, workingDirectory, host, environment);
          } else if (mount.required) {
            throw new BuildError(
              "invalid",
              "--mount=type=ssh needs an agent, which this builder cannot offer",
            );
          }
        }
        return { environment, release };
      } catch (error) {
        release();
        throw error;
      }
    },
  };
}

/** The path of a bind mount's source within its tree. */
function sourcePath(mount: BindMount | CacheMount): string {
  return resolveWorkdir("/", mount.source || ".");
}

async function bindInput(mount: BindMount, host: MountHost): Promise<string> {
  const source = await host.source(mount.from);
  if (source.chainID !== undefined) return `${source.chainID} ${sourcePath(mount)}`;
  const [view, digests] = await Promise.all([source.view(), source.digests()]);
  const path = resolvePath(view, sourcePath(mount), true);
  if (path === undefined) throw new BuildError("source", `${source.name} has no ${sourcePath(mount)}`);
  return digestOf(jsonBytes(digests.of(path, "", true, new Map())));
}

async function sourceMount(mount: BindMount | CacheMount, host: MountHost): Promise<[Mount, string]> {
  const source = await host.source(mount.from);
  const files = await source.mount();
  const path = resolveIn(files, sourcePath(mount));
  if (!files.exists(path)) throw new BuildError("source", `${source.name} has no ${sourcePath(mount)}`);
  return [files, path];
}

async function attachBind(view: Mount, target: string, mount: BindMount, host: MountHost): Promise<void> {
  const [files, path] = await sourceMount(mount, host);
  attachAt(view, target, files.subtree(path), mount.readOnly);
}

async function attachCache(
  view: Mount,
  target: string,
  mount: CacheMount,
  host: MountHost,
): Promise<() => void> {
  const cache = await host.caches.open(mount.id ?? target, mount.sharing, host.signal, async (made) => {
    if (mount.from !== undefined) {
      const source = await host.source(mount.from);
      new Copier(await source.view(), made).copyContents(sourcePath(mount), "/");
    }
    made.chown("/", mount.uid ?? 0, mount.gid ?? 0);
    made.chmod("/", mount.mode ?? CACHE_MODE);
  });
  attachAt(view, target, cache.mount.subtree("/"), mount.readOnly);
  return () => cache.release();
}

function attachSecret(
  view: Mount,
  mount: SecretMount,
  workingDirectory: string | undefined,
  host: MountHost,
  environment: (readonly [string, string])[],
): void {
  const bytes = host.secret(mount.id);
  if (bytes === undefined) {
    if (mount.required) throw new BuildError("invalid", `secret ${mount.id}: not found`);
    return;
  }
  if (mount.env !== undefined) environment.push([mount.env, new TextDecoder().decode(bytes)]);
  if (mount.env !== undefined && mount.target === "") return;
  const target = resolveWorkdir(workingDirectory, mount.target || `/run/secrets/${mount.id}`);
  const { mode = SECRET_MODE, uid = 0, gid = 0 } = mount;
  attachAt(view, target, singleFile({ bytes, mode, uid, gid }), true);
}
