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
} as const satisfies { readonly [name: string]: Difference };

export type DifferenceName = keyof typeof differences;

/** The difference that explains a call's two outcomes, if one does. */
export function differenceOf(made: Made): DifferenceName | undefined {
  for (const [name, difference] of Object.entries<Difference>(differences)) {
    if (difference.allows(made)) return name as DifferenceName;
  }
  return undefined;
}
