/**
 * One call of a `node:fs` function in one of its forms, and what came of it in a shape that can be
 * compared: inode numbers, the clock, and the numbers of descriptors are left out.
 */
import { type ComparableError, comparable, type Fs } from "./ground.ts";

export type Form = "sync" | "callback" | "promise";
export const FORMS: readonly Form[] = ["sync", "callback", "promise"];

/** What came of a call. */
export interface Outcome {
  readonly value?: unknown;
  readonly error?: ComparableError;
  /** Whether a callback form threw instead of calling back. */
  readonly thrown?: true;
  /** What a callback was given beside the error and the value, or that it was given no value at all. */
  readonly more?: readonly unknown[];
}

type Call = (...args: unknown[]) => unknown;
type Shape = (value: unknown) => unknown;

function failed(error: unknown): Outcome {
  return { error: comparable(error) as ComparableError };
}

function member(object: object, name: string): Call | undefined {
  return (object as { readonly [name: string]: Call | undefined })[name];
}

/** Gives what makes the call, or undefined where the function has no such form. */
export function callable(
  fs: Fs,
  form: Form,
  name: string,
): ((args: readonly unknown[], shape?: Shape) => Promise<Outcome>) | undefined {
  if (form === "callback") {
    const call = member(fs, name);
    return call && ((args, shape = comparable) => called(call, args, shape));
  }
  const call = form === "sync" ? member(fs, `${name}Sync`) : member(fs.promises, name);
  return (
    call &&
    (async (args, shape = comparable) => {
      try {
        return { value: shape(await call(...args)) };
      } catch (error) {
        return failed(error);
      }
    })
  );
}

function called(call: Call, args: readonly unknown[], shape: Shape): Promise<Outcome> {
  return new Promise((resolve) => {
    try {
      call(...args, (...results: unknown[]) => {
        const [error, value, ...rest] = results;
        // `exists` gives no error.
        if (typeof error === "boolean") return resolve({ value: error, more: results.slice(1) });
        const more = results.length < 2 ? ["no value"] : rest.map(shape);
        if (error !== null) return resolve({ ...failed(error), value: shape(value), more });
        resolve({ value: shape(value), more });
      });
    } catch (error) {
      resolve({ ...failed(error), thrown: true });
    }
  });
}
