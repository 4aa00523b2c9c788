/**
 * The downloads of one pull: files that outlive it where they are good, or were only interrupted, and go
 * where they turned out to be something else.
 */
import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { RegistryError } from "../registry/errors.ts";
import { type Download, takeDownload } from "../store/downloads.ts";
import type { SourceBlob } from "../store/source.ts";

/** What is known of a download: that its connection broke, nothing yet, or that it was verified. */
type State = "broken" | "unknown" | "good";

interface Entry {
  readonly file: Download;
  state: State;
}

/** One pull's downloads: files that outlive it where they are good. */
export class Downloads {
  readonly #directory: string | undefined;
  readonly #open = new Map<Digest, Entry>();
  #stopped = false;
  /** Whether something was found of an earlier attempt and turned out to be damaged. */
  spoiled = false;

  /** @param directory undefined for a store that has no files, and so keeps nothing of a download */
  constructor(directory: string | undefined) {
    this.#directory = directory;
  }

  /** Ends what is under way: something else that is needed cannot be had. */
  stop(): void {
    this.#stopped = true;
  }

  /** A blob that is written to a file of its own while it is read. */
  async blob(descriptor: Descriptor, from: (offset: number) => SourceBlob): Promise<SourceBlob> {
    const directory = this.#directory;
    if (directory === undefined) return from(0);
    let file = await takeDownload(directory, descriptor.digest);
    if (file.before > descriptor.size) {
      await file.remove();
      file = await takeDownload(directory, descriptor.digest);
    }
    const entry: Entry = { file, state: "unknown" };
    this.#open.set(descriptor.digest, entry);
    const rest = from(file.before).open();
    const stopped = () => this.#stopped;
    async function* noted() {
      try {
        for await (const chunk of rest) {
          if (stopped())
            throw new RegistryError("aborted", `the download of ${descriptor.digest} was given up`);
          yield chunk;
        }
      } catch (error) {
        if (error instanceof RegistryError) entry.state = "broken";
        throw error;
      }
    }
    return { size: descriptor.size, owned: file.path, open: () => file.through(noted()) };
  }

  taken(digest: Digest): void {
    const entry = this.#open.get(digest);
    if (entry !== undefined) entry.state = "good";
  }

  /** Leaves what is good, or was only interrupted, to the next attempt, and removes the rest. */
  async end(): Promise<void> {
    for (const { file, state } of this.#open.values()) {
      if (state === "unknown") {
        if (file.before > 0) this.spoiled = true;
        await file.remove();
      } else {
        await file.leave();
      }
    }
    this.#open.clear();
  }
}
