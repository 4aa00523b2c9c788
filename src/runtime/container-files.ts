/**
 * Opening a container's files: the upper that its record names, over its image's tree.
 *
 * A restore replaces the upper between two looks at the record, but never while someone has it open for
 * writing. So who opened one looks again, and begins anew where it is not the container's any more.
 */
import type { ContainerRecord } from "../store/container-records.ts";
import type { Tree } from "../tree/tree.ts";
import type { Image } from "./image.ts";
import type { MountWithFs } from "./mount-fs.ts";
import { UpperError, type UpperOptions, type UpperStore } from "./upper/upper.ts";

/** A container's files, open to be changed. */
export interface ContainerWriter {
  readonly mount: MountWithFs;
  /** Makes what was done so far last. */
  commit(): void;
  /** Commits and ends. */
  close(): void;
  /** Ends; what was done since the last commit point is gone. */
  discard(): void;
}

/** A container's files at its last commit point, read-only. */
export interface ContainerReader {
  readonly mount: MountWithFs;
  close(): void;
}

/** Where a container's files are. */
export interface ContainerPlace {
  image(): Promise<Image>;
  /** The folder of the upper that the record names now. @throws StoreError (`no-such-container`) */
  upper(): string;
}

/** What containers' uppers are kept in; loaded when it is needed, since it brings a database. */
export async function loadUppers(): Promise<UpperStore> {
  return (await import("./upper/disk.ts")).diskUppers;
}

/** An error about the folder of an upper as one about its container. */
export function explained(error: unknown, { name, id }: ContainerRecord): unknown {
  if (!(error instanceof UpperError)) return error;
  const { code, holder } = error;
  const what = `container ${name} (${id.slice(0, 12)})`;
  if (code === "busy" && holder !== undefined) {
    const who = holder.pid === process.pid ? `this process (${holder.pid})` : `process ${holder.pid}`;
    const since = new Date(holder.since).toISOString();
    return new UpperError(code, `${what} is in use by ${who} since ${since}`, { cause: error, holder });
  }
  const why = code === "missing" ? "its files are gone" : error.message;
  return new UpperError(code, `${what} cannot be opened: ${why}`, { cause: error });
}

/** What is open: a mount over the image's tree, and what ends it. */
interface Opened {
  end(): void;
}

/** Opens the upper that the record names, and has the image's tree pinned until it ends. */
async function openCurrent<T extends Opened>(
  place: ContainerPlace,
  open: (uppers: UpperStore, at: string, tree: Tree) => T,
): Promise<{ readonly opened: T; release(): void }> {
  const image = await place.image();
  const [uppers, pinned] = await Promise.all([loadUppers(), image.pin()]);
  let opened: T | undefined;
  try {
    for (;;) {
      const at = place.upper();
      try {
        opened = open(uppers, at, pinned.tree);
      } catch (error) {
        if (place.upper() === at) throw error;
        continue;
      }
      if (place.upper() === at) return { opened, release: pinned.release };
      opened.end();
    }
  } catch (error) {
    opened?.end();
    pinned.release();
    throw error;
  }
}

/** @param ended is called when the writer is closed or discarded */
export async function openWriter(
  place: ContainerPlace,
  options: UpperOptions,
  ended: (writer: ContainerWriter) => void,
): Promise<ContainerWriter> {
  const { withFs } = await import("./mount-fs.ts");
  const { opened, release } = await openCurrent(place, (uppers, at, tree) => {
    const upper = uppers.open(at, tree, options);
    return { upper, end: () => upper.discard() };
  });
  const { upper } = opened;
  const writer: ContainerWriter = {
    mount: withFs(upper.mount),
    commit: () => upper.commit(),
    close() {
      upper.close();
      release();
      ended(writer);
    },
    discard() {
      upper.discard();
      release();
      ended(writer);
    },
  };
  return writer;
}

export async function openReader(place: ContainerPlace): Promise<ContainerReader> {
  const { withFs } = await import("./mount-fs.ts");
  const { opened, release } = await openCurrent(place, (uppers, at, tree) => {
    const reader = uppers.read(at, tree);
    return { reader, end: () => reader.close() };
  });
  return {
    mount: withFs(opened.reader.mount),
    close() {
      opened.end();
      release();
    },
  };
}
