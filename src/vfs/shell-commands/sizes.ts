/**
 * Sizes as `-h` shows them: powers of 1024, rounded up, one decimal below ten.
 */
const UNITS = "KMGTPE";

/** @param bytes 1024 or more */
function scaled(bytes: number): string {
  let [value, unit] = [bytes / 1024, 0];
  while (value >= 1024) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 10 ? (Math.ceil(value * 10) / 10).toFixed(1) : Math.ceil(value)}${UNITS[unit]}`;
}

/** A file's size, as `ls -h` shows it. */
export function humanSize(bytes: number): string {
  return bytes < 1024 ? String(bytes) : scaled(bytes);
}

/** Room on disk, never less than a kilobyte, as `du -h` shows it. */
export function humanUsage(bytes: number): string {
  return bytes === 0 ? "0" : scaled(bytes);
}
