/**
 * Media types of both families of image documents (image-spec media-types.md; Docker's image
 * manifest version 2, schema 2).
 */

export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
export const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
export const OCI_LAYER = "application/vnd.oci.image.layer.v1.tar";
export const OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";
export const OCI_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd";

export const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
export const DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
export const DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";
export const DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip";

export function isManifestType(type: string): boolean {
  return type === OCI_MANIFEST || type === DOCKER_MANIFEST;
}

export function isIndexType(type: string): boolean {
  return type === OCI_INDEX || type === DOCKER_LIST;
}

/** The manifests before schema 2, which have no config and no diffIDs. */
export function isSchema1Type(type: string): boolean {
  return type.startsWith("application/vnd.docker.distribution.manifest.v1+");
}

export function isConfigType(type: string): boolean {
  return type === OCI_CONFIG || type === DOCKER_CONFIG;
}

/** Whether a blob of this type is a filesystem layer. How it is compressed, only its bytes tell (rule 44). */
export function isLayerType(type: string): boolean {
  return (
    type.startsWith("application/vnd.oci.image.layer.v1.tar") ||
    type.startsWith("application/vnd.oci.image.layer.nondistributable.v1.tar") ||
    type.startsWith("application/vnd.docker.image.rootfs.diff.tar") ||
    type.startsWith("application/vnd.docker.image.rootfs.foreign.diff.tar")
  );
}

/** Whether a layer is to be had from where its descriptor says, and not to be pushed (image-spec layer.md). */
export function isForeignType(type: string): boolean {
  return isLayerType(type) && (type.includes(".nondistributable.") || type.includes(".foreign."));
}
