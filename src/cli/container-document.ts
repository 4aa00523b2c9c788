/**
 * The document that `inspect` prints of a container, with Docker's members in Docker's order.
 *
 * Members about what containers here do not have (networks, limits, a daemon) are left out but for those
 * that scripts commonly read. `GraphDriver` tells where the container is kept.
 */
import type { Container } from "../runtime/container.ts";
import { commandLine } from "../runtime/process.ts";
import { upperFolder } from "../store/container-records.ts";
import { containerSizes } from "./container-row.ts";
import { NIL_MAP, NIL_SLICE } from "./template/value.ts";

const NEVER = "0001-01-01T00:00:00Z";

function stateDocument({ status, record }: Container): object {
  const { state } = record;
  const running = status.kind === "running";
  return {
    Status: status.kind,
    Running: running,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    Pid: status.kind === "running" ? status.holder.pid : 0,
    ExitCode: status.kind === "exited" ? status.exitCode : 0,
    Error: "",
    StartedAt: state.started ?? NEVER,
    FinishedAt: (running ? undefined : state.finished) ?? NEVER,
  };
}

function bindText(source: string, target: string, readOnly: boolean): string {
  return `${source}:${target}${readOnly ? ":ro" : ""}`;
}

function hostConfig({ record }: Container): object {
  const binds = record.attachments.flatMap(({ type, source = "", target, readOnly }) =>
    type === "bind" ? [bindText(source, target, readOnly)] : [],
  );
  return {
    Binds: binds.length > 0 ? binds : NIL_SLICE,
    NetworkMode: "none",
    AutoRemove: false,
    Privileged: false,
    ReadonlyRootfs: record.readOnly,
  };
}

function configDocument({ record }: Container): object {
  const { config, hostname, tty, openStdin, image } = record;
  const { User, ExposedPorts, Env, Cmd, Volumes, WorkingDir, Entrypoint, OnBuild, Labels, ...rest } = config;
  return {
    Hostname: hostname,
    Domainname: "",
    User: User ?? "",
    AttachStdin: openStdin,
    AttachStdout: true,
    AttachStderr: true,
    ...(ExposedPorts === undefined ? {} : { ExposedPorts }),
    Tty: tty,
    OpenStdin: openStdin,
    StdinOnce: openStdin,
    Env: Env ?? NIL_SLICE,
    Cmd: Cmd ?? NIL_SLICE,
    Image: image.reference,
    Volumes: Volumes ?? NIL_MAP,
    WorkingDir: WorkingDir ?? "",
    Entrypoint: Entrypoint ?? NIL_SLICE,
    OnBuild: OnBuild ?? NIL_SLICE,
    Labels: Labels ?? {},
    ...rest,
  };
}

/** @param size whether to tell how much it holds, which costs a look at all that it changed */
export async function inspectContainer(container: Container, size: boolean): Promise<object> {
  const { record, folder, id, name } = container;
  const [path = "", ...args] = commandLine(record.config);
  const sizes = size ? await containerSizes(container) : undefined;
  return {
    Id: id,
    Created: record.created,
    Path: path,
    Args: args,
    State: stateDocument(container),
    Image: record.image.id,
    Name: `/${name}`,
    RestartCount: 0,
    Driver: "stratafs",
    Platform: "linux",
    ExecIDs: null,
    HostConfig: hostConfig(container),
    GraphDriver: { Data: { Folder: folder, Upper: upperFolder(folder, record.upper) }, Name: "stratafs" },
    ...(sizes === undefined ? {} : { SizeRw: sizes.own, SizeRootFs: sizes.own + sizes.image }),
    Mounts: record.attachments.map(({ type, source = "", target, readOnly }) => ({
      Type: type,
      Source: source,
      Destination: target,
      Mode: readOnly ? "ro" : "",
      RW: !readOnly,
      Propagation: type === "bind" ? "rprivate" : "",
    })),
    Config: configDocument(container),
    NetworkSettings: { Ports: {}, Networks: {} },
    Snapshots: record.snapshots.map((snapshot) => ({ Name: snapshot.name, Created: snapshot.created })),
  };
}
