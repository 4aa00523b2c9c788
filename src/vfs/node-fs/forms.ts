/**
 * The asynchronous forms of a function, made from its synchronous one.
 *
 * The engine is synchronous, so a call is carried out when it is made; what is later is the answer,
 * which comes in a turn of the event loop of its own, as from Node: a program that polls in a loop of
 * awaits still lets timers and sockets have their turn. An argument that is refused is thrown at once
 * by a callback form and rejects a promise form. A range that is not local (EAGAIN) is waited for.
 */
import { promisify, setImmediate } from "../../platform/node-builtins.ts";
import { PosixError } from "../../posix/errno.ts";
import { placeOf } from "../../union/attribute-calls.ts";
import type { Mount } from "../../union/mount.ts";
import { invalidType, isArgumentError } from "./errors.ts";

export type Callback = (error: unknown, ...results: unknown[]) => void;
export type Call = (...args: unknown[]) => unknown;

/**
 * Splits a call's arguments at its callback, the last function among them.
 * @param fewest how many come before it at least
 */
export function splitCallback(args: readonly unknown[], fewest = 0): { callback: Callback; rest: unknown[] } {
  const at = args.findLastIndex((arg) => typeof arg === "function");
  if (at < fewest) throw invalidType("cb", "of type function", at < 0 ? args.at(-1) : undefined);
  return { callback: args[at] as Callback, rest: args.slice(0, at) };
}

/** What a call gave: a value, or the error it ended with. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown };

export function attempt(call: Call, args: readonly unknown[]): Outcome {
  try {
    return { value: call(...args) };
  } catch (error) {
    return { error };
  }
}

/** The promise of an outcome, kept a turn of the event loop later. */
export function settle(outcome: Outcome): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if ("error" in outcome) setImmediate(reject, outcome.error);
    else setImmediate(resolve, outcome.value);
  });
}

/** Where the bytes are that a call could not read, if it could be made again when they are there. */
export type Source = (args: readonly unknown[]) => {
  readonly target: string | number;
  readonly start?: number;
  readonly end?: number;
};

async function prepare(mount: Mount, { target, start, end }: ReturnType<Source>): Promise<void> {
  const place = placeOf(mount.context, target, "follow");
  if (typeof place === "number") return;
  const { filesystem } = place.attachment;
  await filesystem.prepare(place.id, start ?? 0, end ?? filesystem.size(place.id));
}

function isNotLocal(outcome: Outcome): boolean {
  return "error" in outcome && outcome.error instanceof PosixError && outcome.error.code === "EAGAIN";
}

/** Makes a call, and once more where what it reads had to be fetched first. */
async function whenPrepared(mount: Mount, call: Call, args: readonly unknown[], source: Source) {
  await prepare(mount, source(args));
  return settle(attempt(call, args));
}

export function promiseForm(mount: Mount, call: Call, source?: Source): Call {
  return (...args) => {
    const outcome = attempt(call, args);
    return source !== undefined && isNotLocal(outcome)
      ? whenPrepared(mount, call, args, source)
      : settle(outcome);
  };
}

/** What the callback of a read or write gets whatever happens: how much was moved, and what was given. */
export type Transfer = (rest: readonly unknown[]) => unknown;

/** @param fewest how many arguments come before the callback at least */
export function callbackForm(
  mount: Mount,
  call: Call,
  { source, transfer, fewest }: { source?: Source; transfer?: Transfer; fewest?: number } = {},
): Call {
  return (...args) => {
    const { callback: given, rest } = splitCallback(args, fewest);
    const callback: Callback =
      transfer === undefined ? given : (error, count = 0) => given(error, count, transfer(rest));
    const outcome = attempt(call, rest);
    if (source !== undefined && isNotLocal(outcome)) {
      deliver(whenPrepared(mount, call, rest, source), callback);
    } else if ("value" in outcome) {
      if (outcome.value === undefined) setImmediate(callback, null);
      else setImmediate(callback, null, outcome.value);
    } else if (isArgumentError(outcome.error)) {
      throw outcome.error;
    } else {
      setImmediate(callback, outcome.error);
    }
  };
}

/** Gives a promise's outcome to a callback, whose own errors are nobody's rejection. */
export function deliver(promise: Promise<unknown>, callback: Callback): void {
  promise.then(
    (value) => {
      if (value === undefined) setImmediate(callback, null);
      else setImmediate(callback, null, value);
    },
    (error) => setImmediate(callback, error),
  );
}

/** Says what `util.promisify` makes of a callback form that gives more than one result. */
export function promisified(call: Call, promise: Call): Call {
  Object.defineProperty(call, promisify.custom, { value: promise, enumerable: false });
  return call;
}
