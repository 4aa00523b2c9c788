/**
 * Finding a name among sorted names in one blob: name `i` is `bytes[starts[i × stride]]` up to
 * `bytes[starts[(i + 1) × stride]]`, in ascending order of bytes from `low` up to `high`.
 */

/** The index of a name, or -1. */
export function findName(
  bytes: Uint8Array,
  starts: Uint32Array,
  stride: number,
  low: number,
  high: number,
  name: Uint8Array,
): number {
  const length = name.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const start = starts[middle * stride]!;
    const size = starts[(middle + 1) * stride]! - start;
    const shared = Math.min(size, length);
    let difference = length - size;
    for (let i = 0; i < shared; i++) {
      if (name[i] !== bytes[start + i]) {
        difference = name[i]! - bytes[start + i]!;
        break;
      }
    }
    if (difference === 0) return middle;
    if (difference < 0) high = middle;
    else low = middle + 1;
  }
  return -1;
}

/** The last index from `low` up to `high` whose value is at most `value`, in an ascending column; `low - 1` when none is. */
export function lastAtMost(column: Uint32Array, low: number, high: number, value: number): number {
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (column[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The index of a value in an ascending column, or -1. */
export function findNumber(column: Uint32Array, low: number, high: number, value: number): number {
  const at = lastAtMost(column, low, high, value);
  return at >= low && column[at] === value ? at : -1;
}
