/**
 * A container: an image, a writable layer on disk and a configuration. No process need run for it to be.
 *
 * Its files have one writer at a time. Whoever only looks (`changes`, `commit`, `export`, …) sees the last
 * commit point, beside a writer or not. A commit point is the end of a command or function, fsync(2)
 * through any face, `commit()` and `close()` of a writer. What was done since the last one is lost when
 * the process is killed, and nothing else ever is.
 */
import { platform } from "#platform";
import type { ByteStream } from "../platform/types.ts";
import {
  type ContainerRecord,
  containerFolder,
  dropContainer,
  noSuchContainer,
  readContainer,
  renameContainer,
  type SnapshotRecord,
  updateContainer,
  upperFolder,
} from "../store/container-records.ts";
import { StoreError } from "../store/errors.ts";
import type { Change } from "../tree/change.ts";
import type { DiffOptions } from "../tree/diff.ts";
import type { Mount } from "../union/mount.ts";
import type { ChangedPath } from "./changed-paths.ts";
import type { CommitOptions } from "./commit.ts";
import type { CopyOptions } from "./container-copy.ts";
import {
  type ContainerPlace,
  type ContainerReader,
  type ContainerWriter,
  explained,
  loadUppers,
  openReader,
  openWriter,
} from "./container-files.ts";
import type { ContainerHome } from "./container-home.ts";
import { type ContainerStatus, statusOf } from "./container-status.ts";
import { formatTime } from "./environment.ts";
import type { CommandOptions, ContainerFunction, RunOptions } from "./execution.ts";
import type { Image } from "./image.ts";
import { commandLine } from "./process.ts";
import { UpperError, type UpperOptions } from "./upper/upper.ts";

function now(): string {
  return formatTime(platform.now());
}

export class Container {
  readonly #home: ContainerHome;
  #record: ContainerRecord;
  #image: Promise<Image> | undefined;
  #writer: ContainerWriter | undefined;

  /** Use `store.containers`. */
  constructor(home: ContainerHome, record: ContainerRecord) {
    this.#home = home;
    this.#record = record;
  }

  /** 64 hexadecimal digits. */
  get id(): string {
    return this.#record.id;
  }

  get name(): string {
    return this.#record.name;
  }

  /** All that is recorded of it, as last read. */
  get record(): ContainerRecord {
    return this.#record;
  }

  /** Where it is kept on disk. */
  get folder(): string {
    return containerFolder(this.#home.core.layout, this.id);
  }

  get status(): ContainerStatus {
    return statusOf(this.#home.core.layout, this.#record);
  }

  /**
   * Reads its record again: another process may have changed it.
   * @throws StoreError (`no-such-container`)
   */
  refresh(): ContainerRecord {
    const record = readContainer(this.#home.core.layout, this.id);
    if (record === undefined) throw noSuchContainer(this.name);
    this.#record = record;
    return record;
  }

  async #update(change: (record: ContainerRecord) => ContainerRecord): Promise<void> {
    this.#record = await updateContainer(this.#home.core, this.id, change);
  }

  /** The image it was made of. */
  image(): Promise<Image> {
    this.#image ??= this.#home.imageOf(this.#record.image.manifest);
    return this.#image;
  }

  /** Where its files are, for those who open them. */
  get #place(): ContainerPlace {
    return { image: () => this.image(), upper: () => upperFolder(this.folder, this.refresh().upper) };
  }

  // Its files

  /**
   * Opens its files to be changed, at the last commit point.
   * @throws UpperError (`busy` names who has them open)
   */
  async open(options: UpperOptions = {}): Promise<ContainerWriter> {
    try {
      this.#writer = await openWriter(this.#place, options, (writer) => {
        if (this.#writer === writer) this.#writer = undefined;
      });
      return this.#writer;
    } catch (error) {
      throw explained(error, this.#record);
    }
  }

  /** Opens the last commit point to be read; close it. */
  async read(): Promise<ContainerReader> {
    try {
      return await openReader(this.#place);
    } catch (error) {
      throw explained(error, this.#record);
    }
  }

  async #reading<T>(work: (mount: Mount) => T | Promise<T>): Promise<T> {
    const { mount, close } = await this.read();
    try {
      return await work(mount);
    } finally {
      close();
    }
  }

  /** Works in the writer that is open here, or in one for this time. Ends with a commit point either way. */
  async #writing<T>(work: (mount: Mount) => Promise<T>): Promise<T> {
    const own = this.#writer === undefined;
    const writer = this.#writer ?? (await this.open());
    try {
      return await work(writer.mount);
    } finally {
      if (own) writer.close();
      else writer.commit();
    }
  }

  // Running

  /**
   * Runs a command line or a function as the container's own command: when it began and how it ended is
   * recorded.
   * @param work arguments in place of the container's command; a function; or undefined for the command that
   *   the container was made with
   * @returns the exit status, 0–255, or what the function gave back
   * @throws UpperError (`busy`), ExecutorError, StoreError (`invalid`); what the function threw
   */
  run(work?: readonly string[], options?: CommandOptions): Promise<number>;
  run<T>(work: ContainerFunction<T>, options?: RunOptions): Promise<T>;
  async run<T>(
    work?: readonly string[] | ContainerFunction<T>,
    options: CommandOptions = {},
  ): Promise<number | T> {
    return await this.#writing(async (files) => {
      let exitCode = 1;
      await this.#update((record) => ({ ...record, state: { started: now() } }));
      try {
        const result = await this.#execute(files, work ?? commandLine(this.#record.config), options);
        exitCode = typeof work === "function" ? 0 : (result as number);
        return result;
      } finally {
        await this.#update((record) => ({
          ...record,
          state: { ...record.state, finished: now(), exitCode },
        }));
      }
    });
  }

  /** Runs something beside the container's own command; nothing is recorded of it. See {@link run}. */
  exec(work: readonly string[], options?: CommandOptions): Promise<number>;
  exec<T>(work: ContainerFunction<T>, options?: RunOptions): Promise<T>;
  async exec<T>(
    work: readonly string[] | ContainerFunction<T>,
    options: CommandOptions = {},
  ): Promise<number | T> {
    return await this.#writing((files) => this.#execute(files, work, options));
  }

  async #execute<T>(
    files: Mount,
    work: readonly string[] | ContainerFunction<T>,
    options: CommandOptions,
  ): Promise<number | T> {
    const { runCommand, runFunction } = await import("./execution.ts");
    if (typeof work === "function") return await runFunction(files, this.#record, work, options);
    if (work.length === 0) throw new StoreError("invalid", "No command specified");
    const { architecture = "amd64" } = (await this.image()).config;
    return await runCommand(files, this.#record, work, options, architecture);
  }

  // What it changed

  /** What differs from its image, in path order. */
  async changes(options: DiffOptions = {}): Promise<readonly Change[]> {
    return await this.#reading((mount) => [...mount.changes(options)]);
  }

  /** The same as `docker diff` prints it. */
  async diff(): Promise<readonly ChangedPath[]> {
    const { changedPaths } = await import("./changed-paths.ts");
    return await this.#reading((mount) => [...changedPaths(mount.changes())]);
  }

  /**
   * Makes an image of it: its image with a layer of what it changed, running as it does.
   * @throws ArchiveError for what a layer cannot hold
   */
  async commit(options: CommitOptions = {}): Promise<Image> {
    const image = await this.image();
    return await this.#reading((mount) =>
      image.commit(mount, {
        config: this.#record.config,
        createdBy: commandLine(this.#record.config).join(" "),
        ...options,
      }),
    );
  }

  /** All its files as a plain tar archive: its last commit point, with what no layer could hold too. */
  async *export(): ByteStream {
    const { archiveOf } = await import("./mount-archive.ts");
    const { mount, close } = await this.read();
    try {
      yield* archiveOf(mount, "/", "").stream();
    } finally {
      close();
    }
  }

  // Copying, by the rules of `docker cp`

  #refuseReadOnly(): void {
    if (!this.#record.readOnly) return;
    throw new StoreError("invalid", "container rootfs is marked read-only");
  }

  /**
   * Copies a path of the host into it.
   * @throws UpperError (`busy`), StoreError (`invalid`), PosixError, and the system's own errors
   */
  async copyIn(hostPath: string, path: string, options: CopyOptions = {}): Promise<void> {
    this.#refuseReadOnly();
    const { copyIn } = await import("./container-copy.ts");
    await this.#writing(async (mount) => copyIn(mount, hostPath, path, options));
  }

  /** Copies a path of its last commit point to the host. */
  async copyOut(path: string, hostPath: string, options: CopyOptions = {}): Promise<void> {
    const { copyOut } = await import("./container-copy.ts");
    await this.#reading((mount) => copyOut(mount, path, hostPath, options));
  }

  /** A path of its last commit point as a tar archive, in which it has its own name. */
  async *archive(path: string, options: CopyOptions = {}): ByteStream {
    const { archiveOut } = await import("./container-copy.ts");
    const { mount, close } = await this.read();
    try {
      yield* archiveOut(mount, path, options);
    } finally {
      close();
    }
  }

  /**
   * Unpacks a tar archive, compressed or not, into a directory of it.
   * @throws ArchiveError, with nothing changed; UpperError (`busy`), StoreError (`invalid`), PosixError
   */
  async unpack(bytes: ByteStream, path: string): Promise<void> {
    this.#refuseReadOnly();
    const [{ archiveTarget }, { unpackArchive }, { temporaryName }] = await Promise.all([
      import("./container-copy.ts"),
      import("./unpack-archive.ts"),
      import("../store/disk-files.ts"),
    ]);
    const temporary = temporaryName(this.#home.core.layout.temporary);
    await this.#writing((mount) =>
      unpackArchive(bytes, temporary, { mount, path: archiveTarget(mount, path) }),
    );
  }

  // Snapshots

  /** @throws StoreError (`no-such-snapshot`) */
  findSnapshot(name: string): SnapshotRecord {
    const found = this.#record.snapshots.find((snapshot) => snapshot.name === name);
    if (found !== undefined) return found;
    throw new StoreError("no-such-snapshot", `No such snapshot of container ${this.name}: ${name}`);
  }

  /**
   * Keeps the last commit point under a name of its own.
   * @throws StoreError (`name-in-use`, `invalid`)
   */
  async snapshot(name: string): Promise<SnapshotRecord> {
    const { addSnapshot } = await import("./container-uppers.ts");
    this.#record = await addSnapshot(this.#home.core, this.id, name, now(), await loadUppers());
    return this.findSnapshot(name);
  }

  /**
   * Goes back to a snapshot, which stays. What was done since is gone.
   * @throws StoreError (`no-such-snapshot`), UpperError (`busy`)
   */
  async restore(name: string): Promise<void> {
    const { restoreSnapshot } = await import("./container-uppers.ts");
    const tree = await (await this.image()).tree();
    try {
      this.#record = await restoreSnapshot(this.#home.core, this.id, name, tree, await loadUppers());
    } catch (error) {
      throw explained(error, this.#record);
    }
  }

  /** @throws StoreError (`no-such-snapshot`) */
  async removeSnapshot(name: string): Promise<void> {
    const { dropSnapshot } = await import("./container-uppers.ts");
    this.#record = await dropSnapshot(this.#home.core, this.id, name);
  }

  // The container itself

  /**
   * Another container that starts as this one is at its last commit point, or as a snapshot of it is.
   * @throws StoreError (`invalid`, `name-in-use`, `no-such-snapshot`)
   */
  async fork(options: { readonly name?: string; readonly snapshot?: string } = {}): Promise<Container> {
    return await this.#home.containers.fork(this, options);
  }

  /** @throws StoreError (`invalid`, `name-in-use`) */
  async rename(name: string): Promise<void> {
    this.#record = await renameContainer(this.#home.core, this.id, name);
  }

  /**
   * Removes it with its files.
   * @throws UpperError (`busy`), StoreError (`no-such-container`)
   */
  async remove(): Promise<void> {
    const uppers = await loadUppers();
    const { upper } = this.refresh();
    try {
      uppers.remove(upperFolder(this.folder, upper));
    } catch (error) {
      // Without its files it was half removed by somebody who was killed then.
      if (!(error instanceof UpperError && error.code === "missing")) throw explained(error, this.#record);
    }
    await dropContainer(this.#home.core, this.id);
  }
}
