/**
 * Where the simulated shell answers otherwise than bash with the programs of the image, and why. Each is
 * asserted: a line that stops differing makes the test fail, and so leaves this table.
 */

export type Aspect = "stdout" | "stderr" | "status" | "tree";

export interface Difference {
  /** How the line begins, or the whole of it. */
  readonly line: string;
  readonly on?: "busybox" | "debian-base";
  readonly differs: readonly Aspect[];
  readonly reason: string;
}

export const DIFFERENCES: readonly Difference[] = [
  {
    line: "perl -e",
    differs: ["status", "stdout", "stderr"],
    reason: "a program of the image, which needs real processes: 126 and a message",
  },
  {
    line: "echo $((2**10))",
    differs: ["stdout"],
    reason: "just-bash computes in doubles and shifts 32 bits",
  },
  {
    line: "cat; read line",
    differs: ["stdout"],
    reason: "just-bash gives each command of a script the whole input; only read takes lines away from it",
  },
  {
    line: "awk -F: '{ n += $3 }",
    differs: ["stdout"],
    reason: "just-bash's awk pads %05.2f with blanks",
  },
  {
    line: "echo 1 > a; cp a b; cmp a b",
    differs: ["stdout"],
    reason: "just-bash's diff writes the unified format only, with a heading; its status is right",
  },
  {
    line: "mkdir s; echo 1 > s/a; ln s/a s/b",
    on: "busybox",
    differs: ["stdout", "tree"],
    reason: "busybox's cp -a does not keep the time of a symlink; ours does, as GNU's",
  },
  {
    line: "mkdir -p p/q; echo 1 > p/1",
    on: "busybox",
    differs: ["stdout", "stderr", "tree"],
    reason: "this busybox's find has no -empty",
  },
  {
    line: "printf 'a\\0b",
    on: "busybox",
    differs: ["stdout"],
    reason: "busybox's ls prints ? for bytes that are no ASCII; ours prints the bytes, as GNU's into a pipe",
  },
  {
    line: "cd /tmp; mkdir d; touch d/f; chmod 500 d",
    on: "busybox",
    differs: ["stdout"],
    reason: "a directory that cannot be opened is status 2 for GNU's ls and ours, 1 for busybox's",
  },
  {
    line: "printf 'one two",
    on: "busybox",
    differs: ["stdout"],
    reason: "busybox's wc pads to nine columns, GNU's and ours to seven",
  },
  {
    line: "sh -c 'echo $0 $1 $#'",
    on: "busybox",
    differs: ["stdout", "stderr"],
    reason: "the image has no bash; the simulated shell answers to that name everywhere",
  },
];
