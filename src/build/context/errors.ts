/**
 * What goes wrong with a build's context as a whole or a file in it.
 */

/** One sentence that names the file. */
export class ContextError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.name = "ContextError";
  }
}
