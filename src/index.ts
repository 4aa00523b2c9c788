/** The public API of stratafs. */
export * from "./posix/errno.ts";
