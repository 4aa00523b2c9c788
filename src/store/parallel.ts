/**
 * Work on several things, some at a time.
 */

/**
 * Does something with each item. After a failure nothing more is begun; what is under way is waited for, so
 * that nothing still works when this ends.
 * @param atOnce how many at a time
 * @param abandon is told of the first failure at once
 * @throws the first failure
 */
export async function eachOf<T>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
  abandon: () => void = () => {},
): Promise<void> {
  const pending = [...items];
  const failures: unknown[] = [];
  const worker = async () => {
    for (let item = pending.shift(); item !== undefined; item = pending.shift()) {
      try {
        await work(item);
      } catch (error) {
        pending.length = 0;
        failures.push(error);
        if (failures.length === 1) abandon();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, pending.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
