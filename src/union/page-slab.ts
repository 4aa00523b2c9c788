/**
 * Room for new pages. Pages that are written one after the other get neighbouring places in one buffer, so
 * that they are read back in one piece; the buffer doubles up to {@link SLAB_PAGES}.
 */
import { PAGE_SIZE, type Page } from "./page-slots.ts";
import type { Epoch } from "./table.ts";

const SLAB_PAGES = 64;

export class PageSlab {
  #buffer = new Uint8Array(0);
  /** Pages of the buffer that were given out. */
  #used = 0;
  /** The page of the file that would go on with it, in the epoch that the buffer is of. */
  #next = -1;
  #epoch: Epoch | undefined;

  /** A page of zeros for the file's page `index`. */
  page(index: number, epoch: Epoch): Page {
    const continued = this.#next === index && this.#epoch === epoch;
    if (!continued || (this.#used + 1) * PAGE_SIZE > this.#buffer.length) {
      const pages = continued ? Math.min((this.#buffer.length / PAGE_SIZE) * 2, SLAB_PAGES) : 1;
      this.#buffer = new Uint8Array(pages * PAGE_SIZE);
      this.#used = 0;
    }
    this.#next = index + 1;
    this.#epoch = epoch;
    this.#used += 1;
    return { type: "page", epoch, buffer: this.#buffer, offset: (this.#used - 1) * PAGE_SIZE };
  }
}
