/**
 * The build cache: which layer a step made, by everything that decides it.
 *
 * A step's *inputs* are names and values in one flat map – the tree it started from, the configuration, the
 * instruction, the digests of files it read – and its key is their digest. So two steps with one key are
 * the same step, and where a key is new, the inputs of the last run at the same *place* (a file, a stage, a
 * position) tell what changed.
 *
 * Records are small; the inputs, which name every file of a copy, lie beside them and are read only to
 * explain a miss. Digests of a context's files are kept here too, so that files that did not change need
 * not be read.
 *
 * It is a cache: a record that is damaged, or whose layer is gone, is none. Records are small files in a
 * folder of the store; whoever reads one marks it as used by its time.
 */
import * as v from "valibot";
import { descriptorSchema, digestSchema } from "../oci/descriptor.ts";
import { type Digest, digestHex, digestOf, isDigest } from "../oci/digest.ts";
import { OciError } from "../oci/errors.ts";
import { jsonBytes, parseJson, stringMap, validate } from "../oci/json.ts";
import type { StoreCore } from "./core.ts";
import type { StoreFiles } from "./files.ts";
import type { ImageLayer } from "./layers.ts";

/** Version of the records' format, and of what keys are made of. */
const VERSION = 1;

const MAX_RECORD = 1024 * 1024;
/** Inputs name every file that a step copied: some hundred bytes each. */
const MAX_INPUTS = 256 * 1024 * 1024;

export type StepInputs = Readonly<Record<string, string>>;

export interface StepRecord {
  /** What the step is, for people. */
  readonly description: string;
  /** When it ran, in RFC 3339. */
  readonly created: string;
  /** Absent for a step that changed nothing. */
  readonly layer?: ImageLayer | undefined;
  /** Another key that leads to the same result. */
  readonly same?: Digest | undefined;
}

/** A record under its own key, not under one that only leads to it. */
export interface FoundStep {
  readonly key: Digest;
  readonly record: StepRecord;
}

/** A record as it is listed. */
export interface ListedStep extends FoundStep {
  /** When it was last of use, in milliseconds since 1970. */
  readonly used: number;
}

const recordSchema = v.looseObject({
  description: v.string(),
  created: v.string(),
  layer: v.optional(v.looseObject({ descriptor: descriptorSchema, diffID: digestSchema })),
  same: v.optional(digestSchema),
});

const KEY_FILE = /^([0-9a-f]{64})\.json$/;

/** The key of some inputs: the same whatever their order. */
export function stepKey(inputs: StepInputs): Digest {
  const sorted = Object.keys(inputs).sort();
  return digestOf(jsonBytes([VERSION, ...sorted.map((name) => [name, inputs[name]])]));
}

export class StepCache {
  readonly #directory: string;
  readonly #files: StoreFiles;

  constructor(core: Pick<StoreCore, "layout" | "files">) {
    this.#directory = core.layout.steps(VERSION);
    this.#files = core.files;
  }

  #path(key: Digest): string {
    return `${this.#directory}/${digestHex(key)}.json`;
  }

  #inputsPath(key: Digest): string {
    return `${this.#directory}/inputs/${digestHex(key)}.json`;
  }

  /** Apart from the record: they name every file that was copied, and only explanations need them. */
  #readInputs(key: Digest): StepInputs | undefined {
    const what = "inputs of a step in the build cache";
    try {
      const bytes = this.#files.readNow(this.#inputsPath(key));
      return bytes === undefined ? undefined : validate(stringMap, parseJson(bytes, what, MAX_INPUTS), what);
    } catch (error) {
      if (error instanceof OciError) return undefined;
      throw error;
    }
  }

  #placePath(place: string): string {
    return `${this.#directory}/last/${digestHex(digestOf(jsonBytes(place)))}`;
  }

  #read(key: Digest): StepRecord | undefined {
    const what = "a record of the build cache";
    try {
      const bytes = this.#files.readNow(this.#path(key));
      if (bytes === undefined) return undefined;
      return validate(recordSchema, parseJson(bytes, what, MAX_RECORD), what) as StepRecord;
    } catch (error) {
      if (error instanceof OciError) return undefined;
      throw error;
    }
  }

  /** The record that a key leads to; what was found is marked as used. */
  find(key: Digest): FoundStep | undefined {
    const record = this.#read(key);
    if (record === undefined) return undefined;
    this.#files.touchNow(this.#path(key));
    return record.same === undefined ? { key, record } : this.find(record.same);
  }

  /** The inputs of the last step at a place. */
  last(place: string): StepInputs | undefined {
    const bytes = this.#files.readNow(this.#placePath(place));
    const key = bytes === undefined ? "" : `sha256:${new TextDecoder().decode(bytes).trim()}`;
    return isDigest(key) ? this.#readInputs(key) : undefined;
  }

  #write(path: string, bytes: Uint8Array): void {
    this.#files.makeDirectoryNow(path.slice(0, path.lastIndexOf("/")));
    this.#files.replaceNow(path, bytes);
  }

  /** Keeps a record, and the inputs that its key is made of. */
  put(key: Digest, record: StepRecord, inputs: StepInputs): void {
    this.#write(this.#inputsPath(key), jsonBytes(inputs));
    this.#write(this.#path(key), jsonBytes(record));
  }

  #contextPath(root: string): string {
    return `${this.#directory}/contexts/${digestHex(digestOf(jsonBytes(root)))}`;
  }

  /** What is known of a directory's files: lines that {@link keepContextDigests} was given. */
  contextDigests(root: string): string {
    return new TextDecoder().decode(this.#files.readNow(this.#contextPath(root)));
  }

  keepContextDigests(root: string, lines: string): void {
    this.#write(this.#contextPath(root), new TextEncoder().encode(lines));
  }

  /** Remembers that the step at a place had a key. */
  remember(place: string, key: Digest): void {
    const path = this.#placePath(place);
    const line = `${digestHex(key)}\n`;
    const known = this.#files.readNow(path);
    if (known !== undefined && new TextDecoder().decode(known) === line) return;
    this.#write(path, new TextEncoder().encode(line));
  }

  /** Every record that can be read. */
  list(): readonly ListedStep[] {
    const found: ListedStep[] = [];
    for (const name of this.#files.listNow(this.#directory)) {
      const hex = KEY_FILE.exec(name)?.[1];
      if (hex === undefined) continue;
      const key = `sha256:${hex}` as Digest;
      const record = this.#read(key);
      const facts = this.#files.factsNow(this.#path(key));
      if (record !== undefined && facts !== undefined) found.push({ key, record, used: facts.modified });
    }
    return found;
  }

  remove(key: Digest): void {
    this.#files.removeNow(this.#inputsPath(key));
    this.#files.removeNow(this.#path(key));
  }
}
