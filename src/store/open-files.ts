/**
 * The archives that mounts of a store read from: each opened once, and kept open, so that it can be
 * read also after its name went away.
 */
import { openFile } from "../platform/node.ts";
import type { RandomAccess } from "../platform/types.ts";

export class OpenFiles {
  readonly #files = new Map<string, RandomAccess>();

  open(path: string): RandomAccess {
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    const file = openFile(path);
    this.#files.set(path, file);
    return file;
  }

  closeAll(): void {
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
  }
}
