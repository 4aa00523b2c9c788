/**
 * Doing the same to one operand after another: one that fails is told and the others are still done.
 */
import { CommandError, type Process } from "../shell/process.ts";
import { reasonOf } from "../shell/strerror.ts";

/** @returns whether it was done; else what failed has been told, after `message` and with the reason */
export function attempt(process: Process, message: string, act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (error instanceof CommandError) process.complain(error.message);
    else process.complain(`${message}: ${reasonOf(error)}`);
    return false;
  }
}

/** @returns the status: 1 where one has failed */
export function forEach(
  process: Process,
  operands: readonly string[],
  message: (operand: string) => string,
  act: (operand: string) => void,
): number {
  let status = 0;
  for (const operand of operands) if (!attempt(process, message(operand), () => act(operand))) status = 1;
  return status;
}
