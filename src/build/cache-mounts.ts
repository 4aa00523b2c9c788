/**
 * Caches that RUN steps share, in one build and between builds: a directory by name, kept in the store as an
 * upper on nothing, with owners and modes as the steps set them.
 *
 * An upper has one writer. Steps of this process that share a cache share the writer; another process waits
 * until it is done.
 */
import { join } from "node:path";
import { digestHex, digestOf } from "../oci/digest.ts";
import { jsonBytes } from "../oci/json.ts";
import { diskUppers } from "../runtime/upper/disk.ts";
import { memoryUppers } from "../runtime/upper/memory.ts";
import { type Upper, UpperError, type UpperStore } from "../runtime/upper/upper.ts";
import type { StoreCore } from "../store/core.ts";
import { EMPTY_TREE } from "../tree/packed.ts";
import { createMount, type Mount } from "../union/mount.ts";
import type { CacheMount } from "./dockerfile/run-mounts.ts";

/** How often a cache that another process writes is looked at again, in milliseconds. */
const POLL = 50;

export interface OpenCache {
  readonly mount: Mount;
  release(): void;
}

interface Shared {
  readonly upper: Promise<Upper>;
  users: number;
  /** Settles when those before have let go, where one step at a time may use it. */
  turn: Promise<void>;
}

function isBusy(error: unknown): boolean {
  return error instanceof UpperError && error.code === "busy";
}

export class CacheMounts {
  readonly #directory: string;
  readonly #uppers: UpperStore;
  readonly #open = new Map<string, Shared>();

  /** Caches of a store in memory last as long as what holds this. */
  constructor({ layout, directory }: Pick<StoreCore, "layout" | "directory">) {
    this.#directory = layout.cacheMounts;
    this.#uppers = directory === undefined ? memoryUppers() : diskUppers;
  }

  /**
   * Opens a cache for one step.
   * @param prepare fills a new one
   */
  async open(
    id: string,
    sharing: CacheMount["sharing"],
    signal: AbortSignal | undefined,
    prepare: (mount: Mount) => Promise<void>,
  ): Promise<OpenCache> {
    if (sharing === "private" && this.#open.has(id)) {
      const mount = createMount(EMPTY_TREE);
      await prepare(mount);
      return { mount, release() {} };
    }
    const shared = this.#open.get(id) ?? {
      upper: this.#openUpper(id, signal, prepare),
      users: 0,
      turn: Promise.resolve(),
    };
    this.#open.set(id, shared);
    shared.users += 1;
    let free = () => {};
    const before = shared.turn;
    if (sharing === "locked") shared.turn = new Promise((resolve) => (free = resolve));
    try {
      const upper = await shared.upper;
      if (sharing === "locked") await before;
      return { mount: upper.mount, release: () => this.#release(id, shared, upper, free) };
    } catch (error) {
      this.#open.delete(id);
      free();
      throw error;
    }
  }

  #release(id: string, shared: Shared, upper: Upper, free: () => void): void {
    free();
    shared.users -= 1;
    if (shared.users > 0) {
      upper.commit();
      return;
    }
    this.#open.delete(id);
    upper.close();
  }

  async #openUpper(
    id: string,
    signal: AbortSignal | undefined,
    prepare: (mount: Mount) => Promise<void>,
  ): Promise<Upper> {
    const at = join(this.#directory, digestHex(digestOf(jsonBytes(id))));
    for (;;) {
      signal?.throwIfAborted();
      try {
        return this.#uppers.open(at, EMPTY_TREE);
      } catch (error) {
        if (error instanceof UpperError && error.code === "missing") {
          const made = await this.#make(at, prepare);
          if (made !== undefined) return made;
        } else if (isBusy(error)) {
          await new Promise((resolve) => setTimeout(resolve, POLL));
        } else {
          throw error;
        }
      }
    }
  }

  /** @returns undefined where another process was first */
  async #make(at: string, prepare: (mount: Mount) => Promise<void>): Promise<Upper | undefined> {
    try {
      this.#uppers.create(at, EMPTY_TREE);
      const upper = this.#uppers.open(at, EMPTY_TREE);
      await prepare(upper.mount);
      return upper;
    } catch (error) {
      if (isBusy(error) || (error instanceof UpperError && error.code === "exists")) return undefined;
      throw error;
    }
  }
}
