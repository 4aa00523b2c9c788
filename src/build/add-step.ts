/**
 * ADD: what COPY does, and beside it remote files and archives that are unpacked (5.3).
 *
 * A local archive is unpacked into the destination, which is a directory then, whatever it is called; a
 * remote file is only where `--unpack` says so, and `--unpack=false` copies local archives as files.
 */
import { digestOf } from "../oci/digest.ts";
import { jsonBytes } from "../oci/json.ts";
import type { StepInputs } from "../store/step-cache.ts";
import type { Mount } from "../union/mount.ts";
import { openArchive } from "./add-archive.ts";
import { fetchRemote, isGit, isRemote, type RemoteFile } from "./add-remote.ts";
import type { ArchiveContext } from "./context/archive.ts";
import { Copier, type CopierOptions } from "./copier.ts";
import {
  type CopyRequest,
  copyFiles,
  destinationIn,
  type FoundSource,
  findSources,
  flagInputs,
  sourceInputs,
} from "./copy-step.ts";
import type { AddInstruction } from "./dockerfile/syntax.ts";
import { BuildError } from "./errors.ts";
import type { BuildSession } from "./session.ts";

export interface AddRequest extends CopyRequest {
  readonly instruction: AddInstruction;
}

/** An ADD with what it takes from elsewhere at hand. */
export class AddStep {
  readonly #session: BuildSession;
  readonly #request: AddRequest;
  readonly #remote: RemoteFile[] = [];
  readonly #archives: ArchiveContext[] = [];
  #local: readonly FoundSource[] = [];

  private constructor(session: BuildSession, request: AddRequest) {
    this.#session = session;
    this.#request = request;
  }

  /** Finds local files and fetches remote ones. Close it when its layer is written. */
  static async open(session: BuildSession, request: AddRequest): Promise<AddStep> {
    const step = new AddStep(session, request);
    const { instruction } = request;
    const { sources, checksum } = instruction;
    const git = sources.find(isGit);
    if (git !== undefined)
      throw new BuildError("invalid", `${git}: ADD of a git repository is not supported`);
    const remote = sources.filter(isRemote);
    if (checksum !== undefined && remote.length !== 1) {
      throw new BuildError("invalid", "--checksum needs one remote source");
    }
    const local = { ...instruction, sources: sources.filter((source) => !isRemote(source)) };
    step.#local = await findSources({ ...request, instruction: local });
    try {
      for (const source of remote) {
        const file = await fetchRemote(source, checksum, session.core.files, session.signal);
        step.#remote.push(file);
      }
    } catch (error) {
      step.close();
      throw error;
    }
    return step;
  }

  async inputs(): Promise<StepInputs> {
    const { instruction, workingDirectory } = this.#request;
    const inputs: Record<string, string> = {
      ...flagInputs(instruction, workingDirectory),
      ...(await sourceInputs(this.#request, this.#local)),
    };
    if (instruction.unpack !== undefined) inputs["--unpack"] = String(instruction.unpack);
    for (const { name, digest, inode } of this.#remote) {
      inputs[`remote file ${name}`] = digestOf(jsonBytes([digest, String(inode.mtime)]));
    }
    return inputs;
  }

  async run(mount: Mount, options: CopierOptions): Promise<void> {
    const { instruction, source } = this.#request;
    const { files } = this.#session.core;
    const view = await source.view();
    const plain: FoundSource[] = [];
    for (const found of this.#local) {
      const inode = view.entry(found.resolved)?.inode;
      const archive =
        instruction.unpack === false || inode?.kind !== "file"
          ? undefined
          : await openArchive(inode.content, found.path.slice(1), files);
      if (archive === undefined) plain.push(found);
      else this.#unpack(archive, mount, options);
    }
    for (const file of this.#remote) {
      const archive =
        instruction.unpack === true && file.inode.kind === "file"
          ? await openArchive(file.inode.content, file.name, files)
          : undefined;
      if (archive !== undefined) this.#unpack(archive, mount, options);
      else this.#putRemote(file, mount, options);
    }
    if (plain.length > 0 || instruction.files.length > 0) {
      await copyFiles(this.#request, plain, mount, options, this.#session.clock());
    }
  }

  #unpack(archive: ArchiveContext, mount: Mount, options: CopierOptions): void {
    this.#archives.push(archive);
    const { instruction, workingDirectory } = this.#request;
    const { destination } = destinationIn(mount, instruction, workingDirectory);
    // As BuildKit does: --chown is for what is in an archive too, --chmod and --exclude are not.
    const { owner } = options;
    const copier = new Copier(archive, mount, { replace: true, ...(owner === undefined ? {} : { owner }) });
    copier.makeDirectories(destination.path);
    copier.copyContents("/", destination.path);
  }

  #putRemote(file: RemoteFile, mount: Mount, options: CopierOptions): void {
    const { instruction, workingDirectory } = this.#request;
    const { destination, existing } = destinationIn(mount, instruction, workingDirectory);
    const into = destination.isDirectory || existing === "directory";
    if (into && file.name === "") {
      throw new BuildError("invalid", "cannot determine filename for source: its address has none");
    }
    const base = destination.path === "/" ? "" : destination.path;
    const target = into ? `${base}/${file.name}` : destination.path;
    const copier = new Copier({ entry: () => undefined, list: () => [] }, mount, options);
    copier.makeDirectories(target.slice(0, target.lastIndexOf("/")));
    copier.put(file.inode, target);
  }

  close(): void {
    for (const each of [...this.#remote, ...this.#archives]) each.close();
  }
}
