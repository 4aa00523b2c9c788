/**
 * Options that may be given several times: their values in order.
 */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
