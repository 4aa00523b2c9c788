/**
 * What a store knows of its containers: a folder each, `stratafs/containers/ID/`, with
 *
 *     container.json   the record below
 *     uppers/N/        what the container changed, and its snapshots (`runtime/upper`)
 *
 * Contract. A record is replaced as a whole (invariant 5), always under the store's lock, so a change
 * is made to what is there. A container begins to be when its folder is renamed into place, and ends
 * when it is renamed away. Names are unique. The record alone says which upper is the container's and
 * which are snapshots: a folder in `uppers` that it does not name is left over from something that was
 * killed.
 *
 * A container keeps the manifest of its image, with all that the manifest refers to, from being
 * collected. So that tools which know nothing of containers do so too, `index.json` has an entry for it.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { type ExecutionConfig, executionSchema } from "../oci/config.ts";
import { type Descriptor, descriptorSchema, digestSchema } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { jsonBytes, parseJson, validate } from "../oci/json.ts";
import { checkContainerName, randomName } from "./container-names.ts";
import type { StoreCore } from "./core.ts";
import { replaceFile, syncFile, temporaryName } from "./disk-files.ts";
import { isMissing, StoreError } from "./errors.ts";
import { withName } from "./index-file.ts";
import type { Layout } from "./layout.ts";

const RECORD = "container.json";
const VERSION = 1;
const ID = /^[0-9a-f]{64}$/;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const attachmentSchema = v.object({
  type: v.picklist(["bind", "tmpfs"]),
  /** For `bind`: an absolute path of the host. */
  source: v.optional(v.string()),
  /** Absolute path in the container. */
  target: v.string(),
  readOnly: v.boolean(),
  /** For `tmpfs`: how many bytes it may hold. */
  size: v.optional(count),
  /** For `tmpfs`: permission bits of its root. */
  mode: v.optional(count),
});

const recordSchema = v.looseObject({
  version: v.literal(VERSION),
  id: v.pipe(v.string(), v.regex(ID)),
  name: v.string(),
  created: v.string(),
  image: v.object({ manifest: descriptorSchema, id: digestSchema, reference: v.string() }),
  config: executionSchema,
  hostname: v.string(),
  tty: v.boolean(),
  openStdin: v.boolean(),
  readOnly: v.boolean(),
  attachments: v.array(attachmentSchema),
  state: v.object({
    started: v.optional(v.string()),
    finished: v.optional(v.string()),
    exitCode: v.optional(v.pipe(count, v.maxValue(255))),
  }),
  upper: count,
  snapshots: v.array(v.object({ name: v.string(), created: v.string(), upper: count })),
});

/** What is attached to a container's files whenever something runs in it. */
export type ContainerAttachment = Readonly<v.InferOutput<typeof attachmentSchema>>;

export interface ContainerState {
  /** When its command was last started, RFC 3339; absent where it never was. */
  readonly started?: string | undefined;
  /** When that ended; absent while it runs, and where it was killed. */
  readonly finished?: string | undefined;
  /** How it ended, 0–255. */
  readonly exitCode?: number | undefined;
}

export interface SnapshotRecord {
  readonly name: string;
  /** RFC 3339. */
  readonly created: string;
  /** Number of its folder in `uppers`. */
  readonly upper: number;
}

export interface ContainerRecord {
  readonly version: typeof VERSION;
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  /** RFC 3339. */
  readonly created: string;
  readonly image: {
    readonly manifest: Descriptor;
    /** The digest of the image's config. */
    readonly id: Digest;
    /** What the user called the image. */
    readonly reference: string;
  };
  /** The image's, with what was asked for when the container was created. */
  readonly config: ExecutionConfig;
  readonly hostname: string;
  readonly tty: boolean;
  readonly openStdin: boolean;
  /** Whether the container's files cannot be changed by what runs in it. */
  readonly readOnly: boolean;
  readonly attachments: readonly ContainerAttachment[];
  readonly state: ContainerState;
  /** Number of the container's own folder in `uppers`. */
  readonly upper: number;
  readonly snapshots: readonly SnapshotRecord[];
}

/** The folder of a container. */
export function containerFolder(layout: Layout, id: string): string {
  return join(layout.containers, id);
}

/** The folder of an upper of a container, within the container's own. */
export function upperFolder(folder: string, upper: number): string {
  return join(folder, "uppers", String(upper));
}

function parseRecord(bytes: Uint8Array, path: string): ContainerRecord {
  try {
    return validate(recordSchema, parseJson(bytes, path), path) as ContainerRecord;
  } catch (cause) {
    throw new StoreError("damaged-container", (cause as Error).message, { cause });
  }
}

/**
 * A container's record; undefined where there is none.
 * @throws StoreError (`damaged-container`)
 */
export function readContainer(layout: Layout, id: string): ContainerRecord | undefined {
  const path = join(containerFolder(layout, id), RECORD);
  try {
    return parseRecord(readFileSync(path), path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function folderNames(layout: Layout): readonly string[] {
  try {
    return readdirSync(layout.containers).filter((name) => ID.test(name));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/**
 * The records of all containers, newest first.
 * @param damaged is told of a record that cannot be read, and may throw; without it, the error is thrown
 */
export function listContainers(
  layout: Layout,
  damaged: (error: StoreError) => void = (error) => {
    throw error;
  },
): readonly ContainerRecord[] {
  const records: ContainerRecord[] = [];
  for (const id of folderNames(layout)) {
    try {
      const record = readContainer(layout, id);
      if (record !== undefined) records.push(record);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      damaged(error);
    }
  }
  return records.sort((a, b) => Date.parse(b.created) - Date.parse(a.created) || (a.id < b.id ? -1 : 1));
}

/**
 * The manifests that containers keep in the store. To be asked under the store's lock by who removes
 * what nothing refers to.
 * @throws StoreError (`damaged-container`): then nothing can be said of what is not needed
 */
export function heldManifests(layout: Layout): readonly Descriptor[] {
  return listContainers(layout).map(({ image }) => image.manifest);
}

/** The part of a store that containers are changed through. */
export type ContainerStore = Pick<StoreCore, "directory" | "layout" | "index" | "arbiter">;

function writeRecord(layout: Layout, folder: string, record: ContainerRecord): void {
  replaceFile(layout.temporary, join(folder, RECORD), jsonBytes(record));
}

/** The name that a container gets, under the lock. */
function chooseName(layout: Layout, wanted: string | undefined): string {
  const others = listContainers(layout, () => {});
  if (wanted === undefined) return randomName(new Set(others.map(({ name }) => name)));
  checkContainerName(wanted);
  const holder = others.find(({ name }) => name === wanted);
  if (holder === undefined) return wanted;
  throw new StoreError(
    "name-in-use",
    `Conflict. The container name "/${wanted}" is already in use by container "${holder.id}". You have to remove (or rename) that container to be able to reuse that name.`,
  );
}

/** A container that is to be: its name may still be open. */
export type ContainerDraft = Omit<ContainerRecord, "version" | "name"> & {
  readonly name: string | undefined;
};

/**
 * Makes a container of a record and what `prepare` puts into its folder. Its image is to be held by a
 * lease until then.
 * @param prepare is given the folder while it is not yet in its place
 * @throws StoreError (`invalid`, `name-in-use`); then there is no container
 */
export async function addContainer(
  store: ContainerStore,
  draft: ContainerDraft,
  prepare: (folder: string) => void,
): Promise<ContainerRecord> {
  const { layout, index } = store;
  if (store.directory === undefined)
    throw new StoreError("invalid", "a store in memory holds no containers; mount the image instead");
  if (draft.name !== undefined) checkContainerName(draft.name);
  const arbiter = await store.arbiter();
  const folder = temporaryName(layout.temporary);
  mkdirSync(folder, { recursive: true });
  try {
    prepare(folder);
    return arbiter.exclusively(() => {
      const record = { version: VERSION, ...draft, name: chooseName(layout, draft.name) } as const;
      writeRecord(layout, folder, record);
      mkdirSync(layout.containers, { recursive: true });
      index.updateLocked((manifests) => withManifest(manifests, record.image.manifest));
      renameSync(folder, containerFolder(layout, draft.id));
      syncFile(layout.containers);
      return record;
    });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function withManifest(manifests: readonly Descriptor[], manifest: Descriptor): readonly Descriptor[] {
  const known = manifests.some(({ digest }) => digest === manifest.digest);
  return known ? manifests : withName(manifests, manifest, undefined);
}

/**
 * Replaces a container's record by what `change` makes of it, under the store's lock.
 * @throws StoreError (`no-such-container`, `damaged-container`); what `change` throws
 */
export async function updateContainer(
  store: ContainerStore,
  id: string,
  change: (record: ContainerRecord) => ContainerRecord,
): Promise<ContainerRecord> {
  const { layout } = store;
  return (await store.arbiter()).exclusively(() => {
    const record = readContainer(layout, id);
    if (record === undefined) throw noSuchContainer(id);
    const changed = change(record);
    if (changed !== record) writeRecord(layout, containerFolder(layout, id), changed);
    return changed;
  });
}

/** @throws StoreError (`invalid`, `name-in-use`, `no-such-container`) */
export async function renameContainer(
  store: ContainerStore,
  id: string,
  name: string,
): Promise<ContainerRecord> {
  return await updateContainer(store, id, (record) => ({
    ...record,
    name: chooseName(store.layout, name),
  }));
}

/**
 * Ends a container, and frees what its folder holds.
 * @throws StoreError (`no-such-container`)
 */
export async function dropContainer(store: ContainerStore, id: string): Promise<void> {
  const { layout } = store;
  const aside = temporaryName(layout.temporary);
  (await store.arbiter()).exclusively(() => {
    if (readContainer(layout, id) === undefined) throw noSuchContainer(id);
    mkdirSync(layout.temporary, { recursive: true });
    renameSync(containerFolder(layout, id), aside);
    syncFile(layout.containers);
  });
  rmSync(aside, { recursive: true, force: true });
}

export function noSuchContainer(name: string): StoreError {
  return new StoreError("no-such-container", `No such container: ${name}`);
}
