/**
 * What is told while layers go to or come from a registry, in Docker's words.
 */

export type TransferStatus =
  | "Pulling fs layer"
  | "Already exists"
  | "Downloading"
  | "Verifying Checksum"
  | "Download complete"
  | "Pull complete"
  | "Preparing"
  | "Waiting"
  | "Pushing"
  | "Pushed"
  | "Layer already exists"
  | "Skipped foreign layer"
  | `Mounted from ${string}`;

export interface TransferEvent {
  /** How the layer is called: the first 12 digits of a digest. */
  readonly id: string;
  readonly status: TransferStatus;
  /** Bytes so far, with `Downloading` and `Pushing`. */
  readonly current?: number;
  readonly total?: number;
}

export type Observer = (event: TransferEvent) => void;
