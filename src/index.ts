/**
 * The public API of stratafs.
 *
 * `Store` and `Image` are where most programs begin; what they are made of can be used alone: a tree from
 * layers, a mount of a tree, a layer of a mount's changes.
 */

// Dockerfiles
export {
  type BuildOptions,
  type BuildResult,
  build,
  type ExecutorChoice,
  type NamedContext,
} from "./build/build.ts";
export { ContextError } from "./build/context/errors.ts";
export type { FileView } from "./build/context/view.ts";
export { parseDockerfile } from "./build/dockerfile/parse.ts";
export { DockerfileError, type Position, type Range } from "./build/dockerfile/source.ts";
export type { Dockerfile, Instruction, Stage } from "./build/dockerfile/syntax.ts";
export { BuildError, type BuildErrorCode } from "./build/errors.ts";
export { type LintOptions, type LintResult, lintDockerfile } from "./build/lint/lint.ts";
export type { LintWarning } from "./build/lint/report.ts";
export type { BuildEvent, BuildListener, Vertex } from "./build/log.ts";
export { contextOfStream, type OpenContext, openContext } from "./build/open-context.ts";
export type { BuildOutput } from "./build/outputs.ts";
export type { CachePlace } from "./build/shared-cache.ts";
// Layers and trees
export { type ApplyOptions, applyLayer, applyLayers } from "./layer/apply.ts";
export {
  type DirectoryLayer,
  type FromDirectoryOptions,
  layerFromDirectory,
} from "./layer/from-directory.ts";
export { type FromMemfsOptions, layerFromMemfs, type MemfsVolume } from "./layer/from-memfs.ts";
export type { Layer } from "./layer/layer.ts";
export {
  type ExpectedLayer,
  type LayerSink,
  layerFromBytes,
  type ReadLayer,
  type ReadLayerOptions,
  readLayer,
} from "./layer/read.ts";
export { type SquashOptions, squash } from "./layer/squash.ts";
export { type WriteLayerOptions, type WrittenLayer, writeLayer } from "./layer/write.ts";
// Documents of images
export { chainIDs } from "./oci/chain.ts";
export type { ExecutionConfig, HistoryEntry, ImageConfig } from "./oci/config.ts";
export type { Descriptor } from "./oci/descriptor.ts";
export { type Digest, digestOf, isDigest, parseDigest } from "./oci/digest.ts";
export { OciError, type OciErrorCode } from "./oci/errors.ts";
export type { Index, Manifest } from "./oci/manifest.ts";
export { formatPlatform, type ImagePlatform, parsePlatform } from "./oci/platform.ts";
export {
  familiarReference,
  formatReference,
  parseReference,
  type Reference,
  withDefaultTag,
} from "./oci/reference.ts";
export type { ByteStream, RandomAccess } from "./platform/types.ts";
// Mounts
export { type Caller, type Capability, makeCaller, ROOT_CALLER } from "./posix/caller.ts";
export { type ErrorCode, errno, PosixError } from "./posix/errno.ts";
export type { Kind } from "./posix/mode.ts";
export { comparePaths, nameFromBytes, nameToBytes } from "./posix/names.ts";
export type { Nanoseconds } from "./posix/time.ts";
// Registries
export type { Credential } from "./registry/credentials/credentials.ts";
export { RegistryError, type RegistryErrorCode } from "./registry/errors.ts";
export { login, logout } from "./registry/login.ts";
export type { Observer, TransferEvent, TransferStatus } from "./registry/progress.ts";
export type { RetryPolicy } from "./registry/retry.ts";
export { type SearchResult, search } from "./registry/search.ts";
export type { RegistryOptions } from "./registry/session.ts";
// Stores and images
export type { CommitOptions } from "./runtime/commit.ts";
export type { Container } from "./runtime/container.ts";
export type { CreateOptions } from "./runtime/container-config.ts";
export type { CopyOptions } from "./runtime/container-copy.ts";
export type { ContainerReader, ContainerWriter } from "./runtime/container-files.ts";
export type { ContainerStatus } from "./runtime/container-status.ts";
export type { Containers } from "./runtime/containers.ts";
export { type CopyImageOptions, copyImage, type Place, parsePlace } from "./runtime/copy.ts";
export type {
  CommandOptions,
  ContainerFunction,
  ContainerProcess,
  RunOptions,
} from "./runtime/execution.ts";
export { type Execution, type Executor, ExecutorError, type OutputSink } from "./runtime/executor.ts";
export { hostSource } from "./runtime/host-filesystem.ts";
export type { HistoryRow, Image, ImageMount } from "./runtime/image.ts";
export { diffImages, type ImageDifference } from "./runtime/image-diff.ts";
export { type LintFinding, type LintRule, lintImage } from "./runtime/image-lint.ts";
export type { Pruned, PruneImagesOptions } from "./runtime/image-prune.ts";
export type { Removal, RemoveOptions } from "./runtime/image-removal.ts";
export type { ImportOptions } from "./runtime/import-archive.ts";
export type { MountWithFs } from "./runtime/mount-fs.ts";
export { type NativeExecutorOptions, nativeExecutor, nativeUnavailable } from "./runtime/native-executor.ts";
export type { PullOptions } from "./runtime/pull.ts";
export type { PushOptions } from "./runtime/push.ts";
export { repackDirectory } from "./runtime/repack.ts";
export { type ShellExecutorOptions, shellExecutor } from "./runtime/shell-executor.ts";
export { type LoadOptions, Store, type StoredImage, type StoreOptions } from "./runtime/store.ts";
export { unpackImage } from "./runtime/unpack.ts";
export { type Holder, UpperError, type UpperErrorCode, type UpperOptions } from "./runtime/upper/upper.ts";
export type { ContainerUsage, ImageUsage, StoreUsage } from "./runtime/usage.ts";
export type { CheckOptions, CheckReport, Problem, ProblemKind } from "./store/check.ts";
export type {
  ContainerAttachment,
  ContainerRecord,
  ContainerState,
  SnapshotRecord,
} from "./store/container-records.ts";
export { StoreError, type StoreErrorCode } from "./store/errors.ts";
export type { Removed } from "./store/garbage.ts";
export type { Lease } from "./store/leases.ts";
export { type GzipOptions, gzip } from "./tar/compress.ts";
export { ArchiveError, type ArchiveErrorCode, type Entry } from "./tar/entry.ts";
export type { Change, ChangeSet } from "./tree/change.ts";
export type { Content } from "./tree/content.ts";
export type { Inode, Xattrs } from "./tree/inode.ts";
export { EMPTY_TREE, openTree, type PackedTree, packTree } from "./tree/packed.ts";
export type { ProvenanceEvent, ProvenanceKind, Tree } from "./tree/tree.ts";
export type { Source } from "./union/attach.ts";
export { createMount, type Mount, type MountOptions, tmpfs } from "./union/mount.ts";
export { changesBetween, type Snapshot } from "./union/snapshot.ts";
export * from "./union/types.ts";
export type { Limits, Usage } from "./union/union.ts";
export type { Whence, WhenceEvent } from "./union/whence.ts";
export { createFs, type NodeFs } from "./vfs/node-fs.ts";
export type { ShellLimits } from "./vfs/shell.ts";
