/**
 * `fs.Dirent`: a name and a type, with the directory it was found in.
 */
import type { Buffer } from "../../platform/node-builtins.ts";
import type { Kind } from "../../posix/mode.ts";
import * as constants from "./constants.ts";

const DIRENT_TYPES: { readonly [kind in Kind]: number } = {
  file: constants.UV_DIRENT_FILE,
  directory: constants.UV_DIRENT_DIR,
  symlink: constants.UV_DIRENT_LINK,
  fifo: constants.UV_DIRENT_FIFO,
  socket: constants.UV_DIRENT_SOCKET,
  char: constants.UV_DIRENT_CHAR,
  block: constants.UV_DIRENT_BLOCK,
};

export class Dirent {
  readonly name: string | Buffer;
  readonly parentPath: string | Buffer;
  /** The older name of `parentPath`. */
  readonly path: string | Buffer;
  readonly #type: number;

  /** @param type one of `UV_DIRENT_*`, as in Node */
  constructor(name: string | Buffer, type: number, path: string | Buffer) {
    this.name = name;
    this.parentPath = path;
    this.path = path;
    this.#type = type;
  }

  isDirectory(): boolean {
    return this.#type === constants.UV_DIRENT_DIR;
  }

  isFile(): boolean {
    return this.#type === constants.UV_DIRENT_FILE;
  }

  isBlockDevice(): boolean {
    return this.#type === constants.UV_DIRENT_BLOCK;
  }

  isCharacterDevice(): boolean {
    return this.#type === constants.UV_DIRENT_CHAR;
  }

  isSymbolicLink(): boolean {
    return this.#type === constants.UV_DIRENT_LINK;
  }

  isFIFO(): boolean {
    return this.#type === constants.UV_DIRENT_FIFO;
  }

  isSocket(): boolean {
    return this.#type === constants.UV_DIRENT_SOCKET;
  }
}

export function direntOf(name: string | Buffer, kind: Kind, parent: string | Buffer): Dirent {
  return new Dirent(name, DIRENT_TYPES[kind], parent);
}
