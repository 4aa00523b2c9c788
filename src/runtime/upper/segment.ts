/**
 * One segment: a file of pages that is only ever appended to. The part of it that a commit point knows
 * never changes, whoever else has a link to the file: forks and readers rely on it.
 */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { errno } from "../../posix/errno.ts";
import { type Content, ContentError } from "../../tree/content.ts";
import { hostError } from "./host-error.ts";
import { UpperError } from "./upper.ts";

/** An open descriptor that several hold and that is closed once. */
export class Descriptor {
  #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** −1 once it is closed. */
  get fd(): number {
    return this.#fd;
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }
}

/** The bytes of a segment, as page maps refer to them. */
export class SegmentContent implements Content {
  readonly id: number;
  readonly descriptor: Descriptor;
  /** How much of the file may be read. */
  size: number;

  constructor(id: number, descriptor: Descriptor, size: number) {
    this.id = id;
    this.descriptor = descriptor;
    this.size = size;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    const { fd } = this.descriptor;
    if (fd < 0) return -errno.EBADF;
    const wanted = Math.min(length, this.size - position);
    let done = 0;
    try {
      while (done < wanted) {
        const count = readSync(fd, target, offset + done, wanted - done, position + done);
        if (count === 0) return -errno.EIO;
        done += count;
      }
    } catch (error) {
      return hostError(error);
    }
    return done;
  }

  nextData(position: number): number {
    return Math.min(position, this.size);
  }

  nextHole(): number {
    return this.size;
  }
}

export function segmentName(id: number): string {
  return `${String(id).padStart(8, "0")}.segment`;
}

/** The id in a segment's name, or undefined for a file that is none. */
export function segmentID(name: string): number | undefined {
  const match = /^(\d{8,})\.segment$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/**
 * Opens a segment of which `size` bytes are known.
 * @throws UpperError (`damaged`) where the file is shorter; Node's error where it is not there
 */
export function openSegment(path: string, id: number, size: number, flags: "r" | "r+"): SegmentContent {
  const content = new SegmentContent(id, new Descriptor(openSync(path, flags)), size);
  const actual = statSync(path).size;
  if (actual >= size) return content;
  content.descriptor.close();
  throw new UpperError("damaged", `${path} has ${actual} bytes, not the ${size} that were committed`);
}

/** Bytes of a content, all of which must be there. */
export function readFully(content: Content, target: Uint8Array, length: number, position: number): void {
  const read = content.read(target, 0, length, position);
  if (read !== length) throw new ContentError(read < 0 ? read : -errno.EIO);
}
