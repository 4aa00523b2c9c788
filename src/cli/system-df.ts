/**
 * `strata system df`: what takes how much room.
 */
import type { Command } from "commander";
import { shortDigest } from "../oci/digest.ts";
import { familiarName } from "../oci/reference.ts";
import type { ContainerUsage, ImageUsage, StoreUsage } from "../runtime/usage.ts";
import type { Context } from "./context.ts";
import { formatRows, type Row } from "./format.ts";
import { checkArguments } from "./help.ts";
import { createdSince, humanSize } from "./units.ts";

interface Options {
  readonly verbose?: true;
  readonly format?: string;
}

const HEADERS = {
  Type: "TYPE",
  TotalCount: "TOTAL",
  Active: "ACTIVE",
  Size: "SIZE",
  Reclaimable: "RECLAIMABLE",
};
const COLUMNS = "{{.Type}}\\t{{.TotalCount}}\\t{{.Active}}\\t{{.Size}}\\t{{.Reclaimable}}";

const IMAGE_HEADERS = {
  Repository: "REPOSITORY",
  Tag: "TAG",
  ID: "IMAGE ID",
  CreatedSince: "CREATED",
  Size: "SIZE",
  SharedSize: "SHARED SIZE",
  UniqueSize: "UNIQUE SIZE",
  Containers: "CONTAINERS",
};
const CONTAINER_HEADERS = {
  ID: "CONTAINER ID",
  Image: "IMAGE",
  Size: "SIZE",
  CreatedSince: "CREATED",
  Status: "STATUS",
  Names: "NAMES",
};

/** The default table of some headers, in their order. */
function columnsOf(headers: Readonly<Record<string, string>>): string {
  return Object.keys(headers)
    .map((key) => `{{.${key}}}`)
    .join("\\t");
}

function reclaimable(part: number, whole: number): string {
  if (whole === 0) return humanSize(part);
  return `${humanSize(part)} (${Math.trunc((part * 100) / whole)}%)`;
}

function row(type: string, total: number, active: number, size: number, free: number): Row {
  return {
    Type: type,
    TotalCount: String(total),
    Active: String(active),
    Size: humanSize(size),
    Reclaimable: reclaimable(free, size),
  };
}

/** What goes with the build cache: what images have, too, does not. */
function cacheSize(entries: StoreUsage["buildCache"]): number {
  return entries.reduce((sum, { size, shared }) => sum + (shared ? 0 : size), 0);
}

function summary({ images, layers, containers, buildCache, caches }: StoreUsage): readonly Row[] {
  const used = images.filter((image) => image.containers > 0);
  const needed = used.reduce((sum, { uniqueSize }) => sum + uniqueSize, 0);
  const all = containers.reduce((sum, { size }) => sum + size, 0);
  const stopped = containers.filter(({ container }) => container.status.kind !== "running");
  const free = stopped.reduce((sum, { size }) => sum + size, 0);
  return [
    row("Images", images.length, used.length, layers, layers - needed),
    row("Containers", containers.length, containers.length - stopped.length, all, free),
    row("Build Cache", buildCache.length, 0, cacheSize(buildCache), cacheSize(buildCache)),
    row("Caches", caches.files, 0, caches.bytes, caches.bytes),
  ];
}

function imageRow({ image, size, sharedSize, uniqueSize, containers }: ImageUsage, now: number): Row {
  const [reference] = image.references;
  return {
    Repository: reference === undefined ? "<none>" : familiarName(reference),
    Tag: reference?.tag ?? "<none>",
    ID: shortDigest(image.id),
    CreatedSince: createdSince(image.config.created, now),
    Size: humanSize(size),
    SharedSize: humanSize(sharedSize),
    UniqueSize: humanSize(uniqueSize),
    Containers: String(containers),
  };
}

function containerRow({ container, size }: ContainerUsage, now: number): Row {
  const { record } = container;
  return {
    ID: record.id.slice(0, 12),
    Image: record.image.reference,
    Size: humanSize(size),
    CreatedSince: createdSince(record.created, now),
    Status: container.status.kind,
    Names: record.name,
  };
}

function verbose(usage: StoreUsage, now: number): string {
  const images = usage.images.map((image) => imageRow(image, now));
  const containers = usage.containers.map((container) => containerRow(container, now));
  return [
    "Images space usage:\n",
    formatRows("", columnsOf(IMAGE_HEADERS), IMAGE_HEADERS, images),
    "Containers space usage:\n",
    formatRows("", columnsOf(CONTAINER_HEADERS), CONTAINER_HEADERS, containers),
    `Build cache: ${usage.buildCache.length} entries, ${humanSize(cacheSize(usage.buildCache))}\n`,
    `Blobs: ${humanSize(usage.blobs)} on disk\nCaches: ${usage.caches.files} files, ${humanSize(usage.caches.bytes)} on disk\n`,
  ].join("\n");
}

const HELP = `
Sizes of images are those of their files, each layer once. Caches are uncompressed layers, their
indexes and merged trees; they are made again when needed.

Examples:
  strata system df
  strata system df --format '{{.Type}}: {{.Size}}'
`;

export function define(command: Command, context: Context): void {
  command
    .option("--format <template>", "Format each line with a Go template, or with 'json'")
    .option("-v, --verbose", "Show each image and container")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 0, 0);
      const usage = await (await context.store()).usage();
      if (options.verbose && options.format === undefined) {
        return await context.write(verbose(usage, context.terminal.now()));
      }
      await context.write(formatRows(options.format ?? "", COLUMNS, HEADERS, summary(usage)));
    });
}
