/**
 * Taking names from images, and images out of the store (STORE-AND-CLI 3.4), with Docker's rules of what is
 * refused and what goes along.
 *
 * What is decided and what is changed is one step under the store's lock. What nothing leads to afterwards
 * is collected then.
 *
 * Two rules of Docker's have no place here. No image is another's parent, since layers are shared by
 * content: removing a base harms nobody. And what a container needs stays also when the removal is forced:
 * the image then loses its names only.
 */
import { chainIDs } from "../oci/chain.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, shortDigest } from "../oci/digest.ts";
import { familiarReference, sameRepository } from "../oci/reference.ts";
import { listContainers } from "../store/container-records.ts";
import type { StoreCore } from "../store/core.ts";
import { StoreError } from "../store/errors.ts";
import { collectGarbage, noteReleased } from "../store/garbage.ts";
import { renamed, type StoredName, storedName } from "../store/index-file.ts";
import { type KnownLinks, reachable, walkFrom } from "../store/reachable.ts";
import { statusOf } from "./container-status.ts";

export interface RemoveOptions {
  /** Also an image of several names, or one that a stopped container uses; the latter loses its names only. */
  readonly force?: boolean;
}

/** One thing that a removal did, in order. */
export type Removal =
  /** A name is no more: `busybox:latest`. */
  | { readonly untagged: string }
  /** An image, by its ID, or a layer that no image has any more, by its chain. */
  | { readonly deleted: Digest };

/** What is to be removed. */
export interface Target {
  readonly id: Digest;
  /** What the entries of the image in the index lead to. */
  readonly digests: ReadonlySet<Digest>;
  /** Its layers, bottom first. */
  readonly diffIDs: readonly Digest[];
  /** The entry that was named, where the image was not named by its ID. */
  readonly named: StoredName | undefined;
  /** As the user wrote it. */
  readonly text: string;
}

interface User {
  readonly id: string;
  readonly running: boolean;
}

/** Containers of an image, running ones first. */
function usersOf(core: StoreCore, id: Digest): readonly User[] {
  if (core.directory === undefined) return [];
  return listContainers(core.layout, () => {})
    .filter(({ image }) => image.id === id)
    .map((record) => ({
      id: record.id.slice(0, 12),
      running: statusOf(core.layout, record).kind === "running",
    }))
    .sort((a, b) => Number(b.running) - Number(a.running));
}

function shown({ reference, foreign }: StoredName): string {
  return reference === undefined ? (foreign ?? "") : familiarReference(reference);
}

function hasName({ reference, foreign }: StoredName): boolean {
  return reference !== undefined || foreign !== undefined;
}

/** Whether an image has at most one tag, and beside it only digests of that tag's repository. */
function isSingle(names: readonly StoredName[]): boolean {
  if (names.length <= 1) return true;
  const tags = names.filter(({ reference }) => reference?.digest === undefined);
  const digests = names.filter(({ reference }) => reference?.digest !== undefined);
  if (tags.length > 1 || digests.length === 0) return false;
  const first = (tags[0] ?? digests[0])!.reference;
  return digests.every(
    ({ reference }) => first !== undefined && reference !== undefined && sameRepository(first, reference),
  );
}

function conflict(id: Digest, force: "must be" | "cannot be", why: string): StoreError {
  return new StoreError(
    "conflict",
    `conflict: unable to delete ${shortDigest(id)} (${force} forced) - ${why}`,
  );
}

/** Refuses what would leave a container without its image. */
function refuseUsers(target: Target, users: readonly User[], names: number, force: boolean): void {
  const [user] = users;
  if (user === undefined) return;
  if (user.running) {
    throw conflict(target.id, "cannot be", `image is being used by running container ${user.id}`);
  }
  if (force && names > 0) return;
  const how = force ? "cannot be" : "must be";
  throw conflict(target.id, how, `image is being used by stopped container ${user.id}`);
}

/**
 * Which names go.
 * @throws StoreError (`conflict`)
 */
function namesToRemove(
  target: Target,
  names: readonly StoredName[],
  users: readonly User[],
  force: boolean,
): readonly StoredName[] {
  const { id, named, text } = target;
  if (named === undefined) {
    if (!isSingle(names) && !force)
      throw conflict(id, "must be", "image is referenced in multiple repositories");
    refuseUsers(target, users, names.length, force);
    return names;
  }
  const [user] = users;
  if (!force && isSingle(names) && user !== undefined) {
    throw new StoreError(
      "conflict",
      `conflict: unable to remove repository reference ${JSON.stringify(text)} (must force) - container ${user.id} is using its referenced image ${shortDigest(id)}`,
    );
  }
  const same = names.find((name) => shown(name) === shown(named));
  if (same === undefined) throw new StoreError("no-such-image", `No such image: ${text}`);
  const { reference } = same;
  if (reference === undefined || reference.digest !== undefined) return [same];
  // The last tag of a repository takes the repository's digests with it.
  const inRepository = names.filter(
    (name) => name !== same && name.reference !== undefined && sameRepository(name.reference, reference),
  );
  const anotherTag = inRepository.some((name) => name.reference?.digest === undefined);
  return anotherTag ? [same] : [same, ...inRepository];
}

/** The entries without some of an image's names; its last name leaves nothing, or where it is used an entry without one. */
function withoutNames(
  entries: readonly Descriptor[],
  target: Target,
  gone: ReadonlySet<string>,
  isGone: boolean,
): readonly Descriptor[] {
  const own = entries.filter(({ digest }) => target.digests.has(digest));
  const kept = entries.filter(
    (entry) => !target.digests.has(entry.digest) || !(isGone || gone.has(shown(storedName(entry)))),
  );
  if (isGone || kept.some(({ digest }) => target.digests.has(digest))) return kept;
  return [...kept, renamed(own[0]!, undefined)];
}

function removeLocked(
  core: StoreCore,
  target: Target,
  force: boolean,
  known: KnownLinks,
): readonly Removal[] {
  const entries = core.index.namesLocked();
  const own = entries.filter(({ descriptor }) => target.digests.has(descriptor.digest));
  if (own.length === 0) throw new StoreError("no-such-image", `No such image: ${target.text}`);
  const names = own.filter(hasName);
  const users = usersOf(core, target.id);
  const gone = namesToRemove(target, names, users, force);
  const goes = gone.length === names.length && users.length === 0;
  const removals: Removal[] = gone.map((name) => ({ untagged: shown(name) }));
  const goneNames = new Set(gone.map(shown));
  core.index.updateLocked((manifests) => withoutNames(manifests, target, goneNames, goes));
  if (!goes) return removals;
  const after = reachable(core, known);
  const freed = chainIDs(target.diffIDs).filter((chain) => !after.chains.has(chain));
  for (const deleted of [target.id, ...freed.reverse()]) removals.push({ deleted });
  return removals;
}

/** What was done, and which blobs the image had. */
export interface RemovedNames {
  readonly removals: readonly Removal[];
  readonly released: ReadonlySet<Digest>;
}

/**
 * Removes an image from the index, or one of its names; what it was made of is left to be collected.
 * @throws StoreError (`conflict`, `no-such-image`, `read-only`); nothing is then removed
 */
export async function removeNames(
  core: StoreCore,
  target: Target,
  { force = false }: RemoveOptions,
): Promise<RemovedNames> {
  const arbiter = await core.arbiter();
  const known: KnownLinks = new Map();
  const entries = (await core.index.names()).map(({ descriptor }) => descriptor);
  const own = entries.filter(({ digest }) => target.digests.has(digest));
  const released = walkFrom(core, own, known).blobs;
  const takeBack = noteReleased(arbiter, released);
  try {
    const removals = arbiter.exclusively(() => removeLocked(core, target, force, known));
    return { removals, released };
  } catch (error) {
    takeBack();
    throw error;
  }
}

/** Removes an image, or one of its names, and what nothing leads to then. Throws what `removeNames` does. */
export async function removeImage(
  core: StoreCore,
  target: Target,
  options: RemoveOptions,
): Promise<readonly Removal[]> {
  const { removals, released } = await removeNames(core, target, options);
  await collectGarbage(core, released);
  return removals;
}
