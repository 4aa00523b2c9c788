/**
 * What is wrong with a digest, a document or a reference: the one error class of this folder.
 */

export type OciErrorCode =
  /** A digest that is none, or of an algorithm that cannot be checked here. */
  | "digest"
  /** Bytes that do not have the digest or the size they were promised under. */
  | "mismatch"
  /** A JSON document that is not what it should be. */
  | "document"
  /** A document larger or deeper than a limit allows. */
  | "limit"
  /** A name that is no image reference. */
  | "reference"
  /** Something valid that this project does not read, such as a schema 1 manifest. */
  | "unsupported"
  /** Nothing for the wanted platform. */
  | "platform";

/** Input from outside that cannot be used. The message names the document and what is wrong in it. */
export class OciError extends Error {
  /** Stable, for programs: which check failed. */
  readonly code: OciErrorCode;

  constructor(code: OciErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = "OciError";
    this.code = code;
  }
}
