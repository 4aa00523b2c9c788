/**
 * Whether a container is in use, and how its command ended: as `docker ps` tells it.
 *
 * There is no daemon that would know, so both follow from what is on disk: a container that somebody living
 * writes is running, one whose command began and did not say how it ended was killed.
 */
import { join } from "node:path";
import { type ContainerRecord, containerFolder, upperFolder } from "../store/container-records.ts";
import type { Layout } from "../store/layout.ts";
import type { Holder } from "./upper/upper.ts";
import { livingHolder } from "./upper/writer-lock.ts";

/** The status of a process that SIGKILL ended, as a shell tells it. */
const KILLED = 137;

export type ContainerStatus =
  | { readonly kind: "created" }
  | {
      readonly kind: "running";
      /** The process that writes it. */
      readonly holder: Holder;
    }
  | {
      readonly kind: "exited";
      /** 0–255. */
      readonly exitCode: number;
      /** RFC 3339; undefined where it was killed and could not tell. */
      readonly finished: string | undefined;
    };

export function statusOf(layout: Layout, { id, upper, state }: ContainerRecord): ContainerStatus {
  const holder = livingHolder(join(upperFolder(containerFolder(layout, id), upper), "writer"));
  if (holder !== undefined) return { kind: "running", holder };
  if (state.started === undefined) return { kind: "created" };
  return { kind: "exited", exitCode: state.exitCode ?? KILLED, finished: state.finished };
}
