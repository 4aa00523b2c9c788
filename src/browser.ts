/**
 * The engine without a store: what runs wherever JavaScript does, with no `node:` module in it. Layers
 * come from bytes in memory and go to bytes in memory.
 */
export { applyLayer, applyLayers } from "./layer/apply.ts";
export type { Layer } from "./layer/layer.ts";
export { layerFromBytes } from "./layer/read.ts";
export { type WriteLayerOptions, type WrittenLayer, writeLayer } from "./layer/write.ts";
export { type Caller, type Capability, makeCaller, ROOT_CALLER } from "./posix/caller.ts";
export { type ErrorCode, errno, PosixError } from "./posix/errno.ts";
export { type GzipOptions, gzip } from "./tar/compress.ts";
export { ArchiveError, type ArchiveErrorCode } from "./tar/entry.ts";
export type { Change, ChangeSet } from "./tree/change.ts";
export type { Inode } from "./tree/inode.ts";
export type { Tree } from "./tree/tree.ts";
export { createMount, type Mount, type MountOptions, tmpfs } from "./union/mount.ts";
export { changesBetween, Snapshot } from "./union/snapshot.ts";
export * from "./union/types.ts";
export { createFs, type NodeFs } from "./vfs/node-fs.ts";
