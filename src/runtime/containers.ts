/**
 * The containers of a store.
 */
import { platform } from "#platform";
import {
  addContainer,
  type ContainerDraft,
  listContainers,
  noSuchContainer,
  upperFolder,
} from "../store/container-records.ts";
import { StoreError } from "../store/errors.ts";
import { Container } from "./container.ts";
import { type CreateOptions, containerConfig } from "./container-config.ts";
import type { ContainerHome } from "./container-home.ts";
import { formatTime } from "./environment.ts";
import type { Image } from "./image.ts";

const SHORT_ID = 12;

function newID(): string {
  return Buffer.from(platform.randomBytes(32)).toString("hex");
}

export class Containers {
  readonly #home: ContainerHome;

  /** Use `store.containers`. */
  constructor(home: ContainerHome) {
    this.#home = home;
  }

  /**
   * Makes a container of an image.
   * @throws StoreError (`invalid`, also for a store in memory; `name-in-use`); then there is none
   */
  async create(image: Image, options: CreateOptions = {}): Promise<Container> {
    this.#refuseInMemory();
    const id = newID();
    const [{ diskUppers }, pinned] = await Promise.all([import("./upper/disk.ts"), image.pin()]);
    const draft: ContainerDraft = {
      id,
      name: options.name,
      created: formatTime(platform.now()),
      image: {
        manifest: image.descriptor,
        id: image.id,
        reference: options.reference ?? image.tags[0] ?? image.id,
      },
      config: containerConfig(image.config.config ?? {}, options),
      hostname: options.hostname ?? id.slice(0, SHORT_ID),
      tty: options.tty ?? false,
      openStdin: options.openStdin ?? false,
      readOnly: options.readOnly ?? false,
      attachments: options.attachments ?? [],
      state: {},
      upper: 1,
      snapshots: [],
    };
    try {
      return await this.#add(draft, (folder) => diskUppers.create(upperFolder(folder, 1), pinned.tree));
    } finally {
      pinned.release();
    }
  }

  /**
   * Makes a container that starts as another one is at its last commit point, sharing its file data.
   * Costs what the other one changed, not its data.
   * @param name two words at random unless given
   * @throws StoreError (`invalid`, `name-in-use`, `no-such-snapshot`)
   */
  async fork(
    container: Container,
    options: { readonly name?: string; readonly snapshot?: string } = {},
  ): Promise<Container> {
    const { name, snapshot } = options;
    const record = container.refresh();
    const { upper } = snapshot === undefined ? record : container.findSnapshot(snapshot);
    const { diskUppers } = await import("./upper/disk.ts");
    const id = newID();
    const ownHostname = record.hostname !== record.id.slice(0, SHORT_ID);
    const draft: ContainerDraft = {
      ...record,
      id,
      name,
      created: formatTime(platform.now()),
      hostname: ownHostname ? record.hostname : id.slice(0, SHORT_ID),
      state: {},
      upper: 1,
      snapshots: [],
    };
    return await this.#add(draft, (folder) =>
      diskUppers.fork(upperFolder(container.folder, upper), upperFolder(folder, 1)),
    );
  }

  #refuseInMemory(): void {
    if (this.#home.core.directory !== undefined) return;
    throw new StoreError("invalid", "a store in memory cannot keep containers: open one on disk");
  }

  async #add(draft: ContainerDraft, prepare: (folder: string) => void): Promise<Container> {
    return new Container(this.#home, await addContainer(this.#home.core, draft, prepare));
  }

  /** All of them, newest first. One whose record cannot be read is passed over and told. */
  async list(): Promise<readonly Container[]> {
    if (this.#home.core.directory === undefined) return [];
    const records = listContainers(this.#home.core.layout, ({ message }) =>
      this.#home.warn(`passing over a container: ${message}`),
    );
    return records.map((record) => new Container(this.#home, record));
  }

  /**
   * A container by its ID, by its name, or by the beginning of its ID, in this order.
   * @throws StoreError (`no-such-container`, `ambiguous`)
   */
  async get(name: string): Promise<Container> {
    const all = await this.list();
    return (
      all.find(({ id }) => id === name) ?? all.find((one) => one.name === bare(name)) ?? byPrefix(all, name)
    );
  }

  /**
   * Removes those that nobody uses.
   * @param wanted which of them; all unless given
   * @returns those that were removed
   */
  async prune(wanted: (container: Container) => boolean = () => true): Promise<readonly Container[]> {
    const removed: Container[] = [];
    for (const container of await this.list()) {
      if (container.status.kind === "running" || !wanted(container)) continue;
      await container.remove();
      removed.push(container);
    }
    return removed;
  }
}

/** Docker's own names begin with a slash. */
function bare(name: string): string {
  return name.startsWith("/") ? name.slice(1) : name;
}

function byPrefix(all: readonly Container[], text: string): Container {
  const found = /^[0-9a-f]{1,64}$/.test(text) ? all.filter(({ id }) => id.startsWith(text)) : [];
  const [first] = found;
  if (first === undefined) throw noSuchContainer(text);
  if (found.length === 1) return first;
  const ids = found.map(({ id }) => id.slice(0, SHORT_ID)).sort();
  throw new StoreError("ambiguous", `ambiguous container ID "${text}": it could be ${ids.join(", ")}`);
}
