/**
 * A store and the registries that its images come from and go to.
 */
import type { ImagePlatform } from "../oci/platform.ts";
import {
  familiarName,
  formatReference,
  parseReference,
  type Reference,
  sameRepository,
  withDefaultTag,
  withTag,
} from "../oci/reference.ts";
import { listTags } from "../registry/lists.ts";
import { type RegistryOptions, Session } from "../registry/session.ts";
import type { StoreCore } from "../store/core.ts";
import { StoreError } from "../store/errors.ts";
import { storedName } from "../store/index-file.ts";
import type { Image } from "./image.ts";
import { type Pulled, type PullOptions, pullImage } from "./pull.ts";
import { type Pushed, type PushOptions, pushImage } from "./push.ts";

/** What pulling and pushing needs of a store. */
export interface RegistryUser {
  readonly core: StoreCore;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: ImagePlatform;
  image(name: string): Promise<Image>;
}

async function withSession<T>(
  store: RegistryUser,
  reference: Reference,
  options: RegistryOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = new Session(reference.domain, { env: store.env, ...options });
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

/**
 * Pulls what a name stands for.
 * @throws RegistryError, OciError, StoreError; the store is then as it was
 */
export async function pull(store: RegistryUser, name: string, options: PullOptions = {}): Promise<Pulled> {
  const reference = withDefaultTag(parseReference(name));
  return await withSession(store, reference, options, (session) =>
    pullImage(store.core, session, reference, store.platform, options),
  );
}

/**
 * Pulls every tag of a repository, one after the other.
 * @param done is told of each
 */
export async function pullAll(
  store: RegistryUser,
  name: string,
  options: PullOptions & {
    readonly done?: (reference: Reference, pulled: Pulled) => void | Promise<void>;
  } = {},
): Promise<readonly Reference[]> {
  const repository = parseReference(name);
  if (repository.tag !== undefined || repository.digest !== undefined) {
    throw new StoreError("invalid", "tag can't be used with --all-tags/-a");
  }
  return await withSession(store, repository, options, async (session) => {
    const references: Reference[] = [];
    for await (const tag of listTags(session, repository.path)) references.push(withTag(repository, tag));
    for (const reference of references) {
      const pulled = await pullImage(store.core, session, reference, store.platform, options);
      await options.done?.(reference, pulled);
    }
    return references;
  });
}

/**
 * Pushes an image under a name.
 * @param name `NAME[:TAG]`, which names the registry
 * @throws RegistryError, OciError, StoreError
 */
export async function push(
  store: RegistryUser,
  image: Image,
  name: string,
  options: PushOptions = {},
): Promise<Pushed> {
  const reference = withDefaultTag(parseReference(name));
  if (reference.digest !== undefined) throw new StoreError("invalid", "cannot push a digest reference");
  return await withSession(store, reference, options, (session) =>
    pushImage(store.core, session, image, reference, options),
  );
}

/** Pushes every tag that the store has of a repository. */
export async function pushAll(
  store: RegistryUser,
  name: string,
  options: PushOptions & {
    readonly done?: (reference: Reference, pushed: Pushed) => void | Promise<void>;
  } = {},
): Promise<void> {
  const repository = parseReference(name);
  if (repository.tag !== undefined || repository.digest !== undefined) {
    throw new StoreError("invalid", "tag can't be used with --all-tags/-a");
  }
  const names = (await store.core.index.names()).flatMap(
    ({ descriptor }) => storedName(descriptor).reference ?? [],
  );
  const tags = names.filter(
    (reference) => reference.tag !== undefined && sameRepository(reference, repository),
  );
  if (tags.length === 0) {
    throw new StoreError(
      "no-such-image",
      `An image does not exist locally with the tag: ${familiarName(repository)}`,
    );
  }
  await withSession(store, repository, options, async (session) => {
    for (const reference of tags) {
      const image = await store.image(formatReference(reference));
      await options.done?.(reference, await pushImage(store.core, session, image, reference, options));
    }
  });
}
