/**
 * The commands of just-bash that are run as they are, and what they take content for. All others of the
 * package are either replaced (`shell-commands/`), since they lose owners, links or modes over a POSIX
 * filesystem, or left out: they are no part of a container's userland.
 */
import type { Coding } from "./filesystem.ts";

const TEXT = [
  "awk",
  "basename",
  "column",
  "comm",
  "cut",
  "date",
  "diff",
  "dirname",
  "egrep",
  "expand",
  "expr",
  "fgrep",
  "fold",
  "grep",
  "jq",
  "join",
  "nl",
  "rev",
  "sed",
  "seq",
  "sleep",
  "sort",
  "tac",
  "tr",
  "unexpand",
  "printenv",
  "true",
  "false",
  "pwd",
] as const;

/** They count or transform bytes. */
const BYTES = [
  "base64",
  "cat",
  "gunzip",
  "gzip",
  "head",
  "md5sum",
  "sha1sum",
  "sha256sum",
  "split",
  "strings",
  "tail",
  "tee",
  "zcat",
] as const;

export const BUNDLED: ReadonlyMap<string, Coding> = new Map<string, Coding>([
  ...TEXT.map((name) => [name, "text"] as const),
  ...BYTES.map((name) => [name, "bytes"] as const),
]);
