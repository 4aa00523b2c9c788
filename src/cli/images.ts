/**
 * `strata images`: the images of the store, as `docker images` lists them.
 */
import type { Command } from "commander";
import { type Digest, shortDigest } from "../oci/digest.ts";
import { familiarName } from "../oci/reference.ts";
import type { Image } from "../runtime/image.ts";
import type { Store, StoredImage } from "../runtime/store.ts";
import type { ImageUsage } from "../runtime/usage.ts";
import { collect } from "./collect.ts";
import type { Context } from "./context.ts";
import { formatRows, type Row } from "./format.ts";
import { checkArguments } from "./help.ts";
import { filterImages } from "./image-filters.ts";
import { createdSince, goTime, humanSize } from "./units.ts";

interface Options {
  readonly all?: true;
  readonly digests?: true;
  readonly quiet?: true;
  /** `--no-trunc` gives false. */
  readonly trunc: boolean;
  readonly filter: readonly string[];
  readonly format?: string;
}

/** One line: an image under one of its names. */
export interface ListedImage {
  readonly image: Image;
  readonly repository: string | undefined;
  readonly tag: string | undefined;
  /** The digest that the repository has it under. */
  readonly digest: Digest | undefined;
}

const HEADERS = {
  Repository: "REPOSITORY",
  Tag: "TAG",
  Digest: "DIGEST",
  ID: "IMAGE ID",
  CreatedSince: "CREATED",
  CreatedAt: "CREATED AT",
  Size: "SIZE",
  VirtualSize: "SIZE",
  Containers: "CONTAINERS",
  SharedSize: "SHARED SIZE",
  UniqueSize: "UNIQUE SIZE",
};

const COLUMNS = "{{.Repository}}\\t{{.Tag}}\\t{{.ID}}\\t{{.CreatedSince}}\\t{{.Size}}";
const DIGEST_COLUMNS = COLUMNS.replace("{{.Tag}}", "{{.Tag}}\\t{{.Digest}}");
const QUIET = "{{.ID}}";
const NONE = "<none>";

const HELP = `
Examples:
  strata images
  strata images busybox
  strata images --filter reference='bu*:*'
  strata images --format '{{.Repository}}:{{.Tag}} {{.Size}}'
`;

/**
 * The lines of one image: one for each tag, with the digests of its repository beside it where they are
 * asked for; and those of a repository that it has no tag in.
 */
function linesOf({ image, foreign }: StoredImage, digests: boolean): readonly ListedImage[] {
  const lines: ListedImage[] = [];
  for (const repository of new Set(image.references.map(familiarName))) {
    const references = image.references.filter((reference) => familiarName(reference) === repository);
    const tags = references.flatMap(({ tag }) => tag ?? []);
    const known = references.flatMap(({ digest }) => digest ?? []);
    const shown = digests && known.length > 0 ? known : [undefined];
    for (const tag of tags.length > 0 ? tags : [undefined]) {
      for (const digest of shown) lines.push({ image, repository, tag, digest });
    }
  }
  for (const tag of foreign) lines.push({ image, repository: undefined, tag, digest: undefined });
  if (lines.length > 0) return lines;
  return [{ image, repository: undefined, tag: undefined, digest: undefined }];
}

/** When an image was made, in milliseconds; images that do not tell come last. */
function createdTime({ image }: ListedImage): number {
  const time = Date.parse(image.config.created ?? "");
  return Number.isNaN(time) ? Number.NEGATIVE_INFINITY : time;
}

function byCreation(a: ListedImage, b: ListedImage): number {
  const [left, right] = [createdTime(a), createdTime(b)];
  if (left !== right) return left < right ? 1 : -1;
  const [nameA, nameB] = [a, b].map(({ repository, tag, image }) => `${repository}:${tag}:${image.id}`);
  return nameA! < nameB! ? -1 : 1;
}

async function rowOf(
  listed: ListedImage,
  usage: ImageUsage | undefined,
  truncate: boolean,
  now: number,
): Promise<Row> {
  const { image, repository, tag, digest } = listed;
  const { created } = image.config;
  const size = humanSize(usage?.size ?? (await image.size()));
  return {
    Containers: usage === undefined ? "N/A" : String(usage.containers),
    CreatedAt: goTime(created),
    CreatedSince: createdSince(created, now),
    Digest: digest ?? NONE,
    ID: truncate ? shortDigest(image.id) : image.id,
    Repository: repository ?? NONE,
    SharedSize: usage === undefined ? "N/A" : humanSize(usage.sharedSize),
    Size: size,
    Tag: tag ?? NONE,
    UniqueSize: usage === undefined ? "N/A" : humanSize(usage.uniqueSize),
    VirtualSize: size,
  };
}

/** What images share and who uses them, which costs more than a list: only where it is asked for. */
async function usageByID(store: Store): Promise<ReadonlyMap<Digest, ImageUsage>> {
  const { imageUsage } = await import("../runtime/usage.ts");
  return new Map((await imageUsage(store)).map((usage) => [usage.image.id, usage]));
}

function quietLines(listed: readonly ListedImage[], truncate: boolean): string {
  const ids = listed.map(({ image }) => (truncate ? shortDigest(image.id) : image.id));
  return ids.map((id) => `${id}\n`).join("");
}

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] [REPOSITORY[:TAG]]")
    .option("-a, --all", "Show all images (the store keeps no intermediate ones, so none are hidden)")
    .option("--digests", "Show digests")
    .option(
      "-f, --filter <filter>",
      "Show only images that match, such as reference=NAME or label=KEY",
      collect,
      [],
    )
    .option("--format <template>", "Format each line with a Go template, or with 'json'")
    .option("--no-trunc", "Don't truncate output")
    .option("-q, --quiet", "Only show image IDs")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 0, 1);
      const store = await context.store();
      const format = options.format ?? "";
      const withDigests = options.digests === true || /\.Digest\b/.test(format) || format === "json";
      const all = (await store.images()).flatMap((stored) => linesOf(stored, withDigests)).sort(byCreation);
      const listed = filterImages(all, args[0], options.filter, context.terminal.now());
      if (options.quiet && format === "") return await context.write(quietLines(listed, options.trunc));
      const shared = /\.(Containers|SharedSize|UniqueSize)\b/.test(format) || format === "json";
      const usage = shared ? await usageByID(store) : new Map<Digest, ImageUsage>();
      const rows: Row[] = [];
      for (const line of listed)
        rows.push(await rowOf(line, usage.get(line.image.id), options.trunc, context.terminal.now()));
      const columns = options.quiet ? QUIET : options.digests ? DIGEST_COLUMNS : COLUMNS;
      await context.write(formatRows(format, columns, HEADERS, rows));
    });
}
