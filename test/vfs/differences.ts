/**
 * Where the face differs from `node:fs` on purpose. Everything else that differs is a fault.
 * `differences.test.ts` asserts each by itself: that Node does what is said here, and what ours does
 * instead. `docs/node-fs.md` tells them to users.
 */
import type { Form, Outcome } from "./call.ts";

/** One call that both filesystems have answered. */
export interface Made {
  readonly name: string;
  readonly form: Form;
  readonly args: readonly unknown[];
  readonly node: Outcome;
  readonly ours: Outcome;
}

export interface Difference {
  readonly reason: string;
  /** Whether the two outcomes of a call may differ so. */
  allows(made: Made): boolean;
}

/** A wrong argument, in words of Node's or where its own code stumbles over it. */
function isMistake(error: Outcome["error"]): boolean {
  return error?.name === "TypeError" || error?.name === "RangeError";
}

/** What is allowed in random calls only, whose arguments may all be wrong at once. */
const LOOSE: readonly string[] = ["which mistake is told", "the place of the callback", "null for options"];

export const differences = {
  "the path of opendirSync": {
    reason:
      "Node 20 leaves the path out of what opendirSync throws; later ones have it, as do its other forms.",
    allows: ({ name, form, node, ours }) =>
      name === "opendir" &&
      form === "sync" &&
      node.error?.path === undefined &&
      node.error?.code === ours.error?.code &&
      ours.error?.syscall === "opendir" &&
      ours.error.path !== undefined,
  },
  "readFile of a descriptor that cannot be read": {
    reason:
      "Node's callback form loses the error and gives an empty buffer, or, where it cannot be asked for its size, an error about a list. Ours gives the error.",
    allows: ({ name, form, args, node, ours }) =>
      name === "readFile" &&
      form === "callback" &&
      typeof args[0] === "number" &&
      (node.error === undefined || node.error.code === "ERR_INVALID_ARG_TYPE") &&
      (ours.error?.syscall === "read" || ours.error?.syscall === "fstat"),
  },
  "readdir with recursive": {
    reason: "Node's callback form throws what it should call back with; ours calls back.",
    allows: ({ name, form, node, ours }) =>
      name === "readdir" &&
      form === "callback" &&
      node.thrown === true &&
      ours.thrown === undefined &&
      node.error?.syscall === "scandir" &&
      node.error.code === ours.error?.code,
  },
  "recursive listing of a directory named by a buffer": {
    reason: "Node joins names to the buffer as if it were a string, and throws at the first; ours lists.",
    allows: ({ name, args, node, ours }) =>
      name === "readdir" &&
      (args[1] as { readonly recursive?: unknown } | undefined)?.recursive === true &&
      node.error?.message.endsWith("must be of type string. Received an instance of Buffer") === true &&
      ours.error === undefined,
  },
  "which of two errors promises.cp tells": {
    reason:
      "Node looks at the source and the target at once, and tells the error that comes first; ours that of the source.",
    allows: ({ name, form, node, ours }) =>
      name === "cp" &&
      form === "promise" &&
      /^l?stat$/.test(String(node.error?.syscall)) &&
      node.error?.syscall === ours.error?.syscall,
  },
  "recursive rm of a link with a slash after it": {
    reason:
      "Node's asynchronous forms remove nothing and say nothing; ours says what the synchronous form says.",
    allows: ({ name, form, node, ours }) =>
      name === "rm" &&
      form !== "sync" &&
      node.error === undefined &&
      ours.error?.code === "ENOTDIR" &&
      ours.error.syscall === "rmdir" &&
      String(ours.error.path).endsWith("/"),
  },
  "null for options": {
    reason: "Node's stat functions stumble over null where options are expected; ours takes it for none.",
    allows: ({ node }) => node.error?.message.startsWith("Cannot read properties of null") === true,
  },
  "readSync with null for an offset": {
    reason:
      "Node takes it for options and drops the length and the position after it; ours reads as its other forms do.",
    allows: ({ name, form, args }) =>
      name === "read" && form === "sync" && args[2] === null && args.length > 3,
  },
  "the place of the callback": {
    reason: "Ours takes the last function among the arguments, where arguments before it were left out too.",
    allows: ({ form, node, ours }) =>
      form === "callback" &&
      /"(cb|callback)" argument/.test(node.error?.message ?? "") &&
      !isMistake(ours.error),
  },
  "which mistake is told": {
    reason:
      "Where arguments are wrong and the call would fail besides, or several are wrong, Node finds one or the other first, in each form in its own way and words. Ours checks arguments first, in order. A single wrong argument is told as Node tells it: that is what the table of functions compares.",
    allows: ({ node, ours }) =>
      node.error !== undefined &&
      ours.error !== undefined &&
      (isMistake(node.error) || isMistake(ours.error)),
  },
} as const satisfies { readonly [name: string]: Difference };

export type DifferenceName = keyof typeof differences;

/**
 * The difference that explains a call's two outcomes, if one does.
 * @param strict whether the call has at most one mistake in it, so that it must be told alike
 */
export function differenceOf(made: Made, strict: boolean): DifferenceName | undefined {
  for (const [name, difference] of Object.entries<Difference>(differences)) {
    if ((!strict || !LOOSE.includes(name)) && difference.allows(made)) return name as DifferenceName;
  }
  return undefined;
}
