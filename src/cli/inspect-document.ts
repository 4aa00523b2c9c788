/**
 * The document that `inspect` prints of an image, with Docker's members in Docker's order.
 *
 * `GraphDriver` describes how this project keeps the layers: where each uncompressed one is, and the
 * chain that names the merged tree.
 */
import { chainIDs } from "../oci/chain.ts";
import type { Image } from "../runtime/image.ts";
import type { Store } from "../runtime/store.ts";
import { NIL_MAP, NIL_SLICE } from "./template/value.ts";

/** Members that Docker always shows, with what stands for nothing. The rest of a config follows as it is. */
function configDocument(image: Image): object {
  const { config = {} } = image.config;
  const { User, ExposedPorts, Env, Cmd, Volumes, WorkingDir, Entrypoint, OnBuild, Labels, ...rest } = config;
  return {
    Hostname: "",
    Domainname: "",
    User: User ?? "",
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    ...(ExposedPorts === undefined ? {} : { ExposedPorts }),
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Env: Env ?? NIL_SLICE,
    Cmd: Cmd ?? NIL_SLICE,
    Image: "",
    Volumes: Volumes ?? NIL_MAP,
    WorkingDir: WorkingDir ?? "",
    Entrypoint: Entrypoint ?? NIL_SLICE,
    OnBuild: OnBuild ?? NIL_SLICE,
    Labels: Labels ?? NIL_MAP,
    ...rest,
  };
}

async function graphDriver(store: Store, image: Image): Promise<object> {
  const { core } = store;
  const paths: string[] = [];
  for (const { diffID } of image.layers) {
    const path = await core.layers.archivePath(diffID);
    if (path !== undefined) paths.push(path);
  }
  const chain = chainIDs(image.layers.map(({ diffID }) => diffID)).at(-1) ?? "";
  return { Data: { ChainID: chain, LowerLayers: paths.reverse().join(":") }, Name: "stratafs" };
}

/** The last step's comment, which is what `commit -m` wrote. */
function comment(image: Image): string {
  return image.config.history?.at(-1)?.comment ?? "";
}

/** @param image with all its names, as `Store.images` gives it */
export async function inspectImage(store: Store, image: Image): Promise<object> {
  const { config } = image;
  const size = await image.size();
  return {
    Id: image.id,
    RepoTags: [...image.tags].sort(),
    RepoDigests: [...image.repoDigests].sort(),
    Parent: "",
    Comment: comment(image),
    Created: config.created ?? "",
    DockerVersion: "",
    Author: config.author ?? "",
    Config: configDocument(image),
    Architecture: config.architecture ?? "",
    ...(config.variant === undefined ? {} : { Variant: config.variant }),
    Os: config.os ?? "",
    Size: size,
    VirtualSize: size,
    GraphDriver: await graphDriver(store, image),
    RootFS: { Type: "layers", Layers: config.rootfs.diff_ids },
    Descriptor: image.descriptor,
    Metadata: { LastTagTime: "0001-01-01T00:00:00Z" },
  };
}
