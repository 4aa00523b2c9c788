/**
 * Asking before something is removed for good.
 */
import { createInterface } from "node:readline";
import type { Context } from "./context.ts";

/** Whether the user says yes. The end of the input is no. */
export async function confirm(context: Context, warning: string): Promise<boolean> {
  await context.write(`${warning}\nAre you sure you want to continue? [y/N] `);
  const lines = createInterface({ input: context.terminal.stdin });
  try {
    for await (const line of lines) return /^y(es)?$/i.test(line.trim());
    return false;
  } finally {
    lines.close();
  }
}
