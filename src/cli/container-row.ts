/**
 * A container as a line of `ps` (docker/cli, formatter/container.go).
 */
import { shortDigest } from "../oci/digest.ts";
import type { Container } from "../runtime/container.ts";
import { commandLine } from "../runtime/process.ts";
import type { Store } from "../runtime/store.ts";
import type { Row } from "./format.ts";
import { createdSince, goTime, humanDuration, humanSize } from "./units.ts";

const SHORT_ID = 12;
const COMMAND_WIDTH = 20;

export const CONTAINER_HEADERS = {
  ID: "CONTAINER ID",
  Image: "IMAGE",
  Command: "COMMAND",
  CreatedAt: "CREATED AT",
  RunningFor: "CREATED",
  State: "STATE",
  Status: "STATUS",
  Ports: "PORTS",
  Names: "NAMES",
  Labels: "LABELS",
  Mounts: "MOUNTS",
  LocalVolumes: "LOCAL VOLUMES",
  Networks: "NETWORKS",
  Size: "SIZE",
};

function since(time: string | undefined, now: number): string {
  return humanDuration(now - Date.parse(time ?? ""));
}

/** `Created`, `Up 3 seconds`, `Exited (0) 5 minutes ago`. */
export function statusText({ status }: Container, now: number): string {
  switch (status.kind) {
    case "created":
      return "Created";
    case "running":
      return `Up ${humanDuration(now - status.holder.since)}`;
    case "exited": {
      const ended = `Exited (${status.exitCode})`;
      return status.finished === undefined ? ended : `${ended} ${since(status.finished, now)} ago`;
    }
  }
}

/** A command line in quotes, cut to what the column has room for. */
function shownLine(container: Container, truncate: boolean): string {
  const line = commandLine(container.record.config)
    .join(" ")
    .replace(/[\t\r\n]/g, " ");
  const runes = [...line];
  const shown =
    truncate && runes.length > COMMAND_WIDTH ? `${runes.slice(0, COMMAND_WIDTH - 1).join("")}…` : line;
  return `"${shown}"`;
}

/** Bytes of what a container changed, and of its image. */
export async function containerSizes(container: Container): Promise<{ own: number; image: number }> {
  let own = 0;
  for (const change of await container.changes()) {
    if (change.kind !== "deleted" && change.inode.kind === "file" && change.linkTo === undefined) {
      own += change.inode.content.size;
    }
  }
  return { own, image: await (await container.image()).size() };
}

export interface RowOptions {
  readonly truncate: boolean;
  readonly size: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What the image is called: as it was, while that name still leads to it. */
async function imageName(store: Store, { record }: Container): Promise<string> {
  const { id, reference } = record.image;
  const found = await store.image(reference).catch(() => undefined);
  return found?.id === id ? reference : shortDigest(id);
}

export async function containerRow(store: Store, container: Container, options: RowOptions): Promise<Row> {
  const { truncate, now } = options;
  const { record } = container;
  const labels = Object.entries(record.config.Labels ?? {});
  const sizes = options.size ? await containerSizes(container) : undefined;
  const mounts = record.attachments.flatMap(({ source }) => source ?? []);
  return {
    Command: shownLine(container, truncate),
    CreatedAt: goTime(record.created),
    ID: truncate ? container.id.slice(0, SHORT_ID) : container.id,
    Image: await imageName(store, container),
    Labels: labels.map(([key, value]) => `${key}=${value}`).join(","),
    LocalVolumes: "0",
    Mounts: mounts.join(","),
    Names: container.name,
    Networks: "none",
    Ports: "",
    RunningFor: createdSince(record.created, now),
    Size:
      sizes === undefined ? "0B" : `${humanSize(sizes.own)} (virtual ${humanSize(sizes.own + sizes.image)})`,
    State: container.status.kind,
    Status: statusText(container, now),
  };
}
