/**
 * A container by the name a user gave, and what is said where there is none.
 */
import type { Container } from "../runtime/container.ts";
import type { Context } from "./context.ts";
import { Failure, isNoSuchContainer, messageOf } from "./failure.ts";

const DAEMON = "Error response from daemon: ";

/**
 * @param prefix how Docker introduces the error in the command at hand
 * @throws Failure
 */
export async function findContainer(context: Context, name: string, prefix = DAEMON): Promise<Container> {
  const store = await context.store();
  return await store.containers.get(name).catch((error: unknown) => {
    throw new Failure(
      `${prefix}${isNoSuchContainer(error) ? `No such container: ${name}` : messageOf(error)}`,
    );
  });
}

/**
 * Does something with each of several containers. What succeeds is printed by the name that was given, what
 * does not is told at the end.
 */
export async function forEachContainer(
  context: Context,
  names: readonly string[],
  work: (container: Container, name: string) => Promise<void>,
): Promise<void> {
  const errors: string[] = [];
  for (const name of names) {
    try {
      await work(await findContainer(context, name, "Error: "), name);
      await context.print(name);
    } catch (error) {
      errors.push(error instanceof Failure ? error.message : `${DAEMON}${messageOf(error)}`);
    }
  }
  if (errors.length > 0) throw new Failure(errors.join("\n"));
}
