/**
 * Which of a container's uppers is its own, and which are snapshots.
 *
 * Every change happens under the store's lock and takes effect with the record, so a process that is
 * killed leaves the container as it was or as it is to be, and at most a folder that the record does not
 * name. The next change removes such folders.
 */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  type ContainerRecord,
  type ContainerStore,
  containerFolder,
  updateContainer,
  upperFolder,
} from "../store/container-records.ts";
import { StoreError } from "../store/errors.ts";
import type { Tree } from "../tree/tree.ts";
import type { Upper, UpperStore } from "./upper/upper.ts";

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** Removes folders that the record does not name. To be called under the store's lock. */
function removeStrays(folder: string, record: ContainerRecord): void {
  const named = new Set([record.upper, ...record.snapshots.map(({ upper }) => upper)].map(String));
  for (const name of readdirSync(join(folder, "uppers"))) {
    if (!named.has(name)) rmSync(join(folder, "uppers", name), { recursive: true, force: true });
  }
}

/** A number that no upper of the container has. */
function nextUpper(record: ContainerRecord): number {
  return Math.max(record.upper, ...record.snapshots.map(({ upper }) => upper)) + 1;
}

function findSnapshot(record: ContainerRecord, name: string) {
  const found = record.snapshots.find((snapshot) => snapshot.name === name);
  if (found !== undefined) return found;
  throw new StoreError("no-such-snapshot", `No such snapshot of container ${record.name}: ${name}`);
}

/** Keeps the last commit point as a snapshot. */
export async function addSnapshot(
  store: ContainerStore,
  id: string,
  name: string,
  created: string,
  uppers: UpperStore,
): Promise<ContainerRecord> {
  if (!NAME.test(name)) {
    throw new StoreError(
      "invalid",
      `Invalid snapshot name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-]* are allowed`,
    );
  }
  const folder = containerFolder(store.layout, id);
  return await updateContainer(store, id, (record) => {
    if (record.snapshots.some((snapshot) => snapshot.name === name)) {
      throw new StoreError("name-in-use", `container ${record.name} has a snapshot ${name} already`);
    }
    removeStrays(folder, record);
    const upper = nextUpper(record);
    uppers.fork(upperFolder(folder, record.upper), upperFolder(folder, upper));
    return { ...record, snapshots: [...record.snapshots, { name, created, upper }] };
  });
}

/**
 * Puts a copy of a snapshot in the place of the container's upper.
 * @throws StoreError (`no-such-snapshot`), UpperError (`busy`)
 */
export async function restoreSnapshot(
  store: ContainerStore,
  id: string,
  name: string,
  tree: Tree,
  uppers: UpperStore,
): Promise<ContainerRecord> {
  const folder = containerFolder(store.layout, id);
  let current: Upper | undefined;
  let replaced = "";
  try {
    const restored = await updateContainer(store, id, (record) => {
      const snapshot = findSnapshot(record, name);
      replaced = upperFolder(folder, record.upper);
      // Open for writing until the record says otherwise: nobody else can be, and none comes.
      current = uppers.open(replaced, tree);
      removeStrays(folder, record);
      const upper = nextUpper(record);
      uppers.fork(upperFolder(folder, snapshot.upper), upperFolder(folder, upper));
      return { ...record, upper };
    });
    current?.discard();
    rmSync(replaced, { recursive: true, force: true });
    return restored;
  } finally {
    current?.discard();
  }
}

/** Removes a snapshot. */
export async function dropSnapshot(
  store: ContainerStore,
  id: string,
  name: string,
): Promise<ContainerRecord> {
  const folder = containerFolder(store.layout, id);
  let upper = 0;
  const changed = await updateContainer(store, id, (record) => {
    removeStrays(folder, record);
    ({ upper } = findSnapshot(record, name));
    return { ...record, snapshots: record.snapshots.filter((snapshot) => snapshot.upper !== upper) };
  });
  rmSync(upperFolder(folder, upper), { recursive: true, force: true });
  return changed;
}
