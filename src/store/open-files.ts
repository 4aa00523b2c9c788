/**
 * The archives that mounts of a store read from: each opened once, and kept open, so that it can be
 * read also after its name went away.
 */
import { openFile } from "../platform/node.ts";
import type { RandomAccess } from "../platform/types.ts";

export class OpenFiles {
  readonly #files = new Map<string, RandomAccess>();
  /** Still open, for those who read them, but no longer what their path leads to. */
  readonly #replaced: RandomAccess[] = [];

  open(path: string): RandomAccess {
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    const file = openFile(path);
    this.#files.set(path, file);
    return file;
  }

  /** Takes note that there is another file at a path. */
  replaced(path: string): void {
    const file = this.#files.get(path);
    if (file !== undefined) this.#replaced.push(file);
    this.#files.delete(path);
  }

  closeAll(): void {
    for (const file of [...this.#files.values(), ...this.#replaced]) file.close();
    this.#files.clear();
    this.#replaced.length = 0;
  }
}
