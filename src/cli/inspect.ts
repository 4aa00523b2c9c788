/**
 * `strata inspect`: all that is known of containers and images, as `docker inspect` tells it.
 */
import type { Command } from "commander";
import type { Store } from "../runtime/store.ts";
import type { CommandModule } from "./commands.ts";
import { inspectContainer } from "./container-document.ts";
import type { Context } from "./context.ts";
import { Failure, isNoSuchContainer, isNoSuchImage, messageOf } from "./failure.ts";
import { checkArguments } from "./help.ts";
import { inspectImage } from "./inspect-document.ts";
import { TemplateError } from "./template/lexer.ts";
import { compileTemplate, type Template } from "./template/template.ts";

interface Options {
  readonly format?: string;
  readonly type?: string;
  readonly size?: true;
}

const HELP = `
Examples:
  strata inspect busybox
  strata inspect --type container -s work
  strata inspect -f '{{json .RootFS}}' busybox
  strata inspect -f '{{range .Config.Env}}{{println .}}{{end}}' busybox
`;

const TEMPLATE_ERROR = 64;

function compile(format: string | undefined): Template | undefined {
  if (format === undefined || format === "" || format === "json") return undefined;
  try {
    return compileTemplate(format);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new Failure(`Template parsing error: ${error.message}`, TEMPLATE_ERROR);
  }
}

function render(template: Template, document: object): string {
  try {
    return template(document);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new Failure(
      `Template parsing error: template: :1: executing "" at <>: ${error.message}`,
      TEMPLATE_ERROR,
    );
  }
}

/** What `--type` can say. */
const TYPES = ["container", "image"] as const;
type Type = (typeof TYPES)[number];

interface Lookup {
  readonly store: Store;
  /** Undefined: a container, else an image. */
  readonly type: Type | undefined;
  readonly size: boolean;
}

/** The document of what a name means; undefined where it means nothing. */
async function documentOf({ store, type, size }: Lookup, name: string): Promise<object | undefined> {
  if (type !== "image") {
    try {
      return await inspectContainer(await store.containers.get(name), size);
    } catch (error) {
      if (!isNoSuchContainer(error)) throw error;
    }
  }
  if (type === "container") return undefined;
  try {
    const image = await store.image(name);
    const known = (await store.images()).find((candidate) => candidate.image.id === image.id);
    return await inspectImage(store, known?.image ?? image);
  } catch (error) {
    if (isNoSuchImage(error)) return undefined;
    throw error;
  }
}

/** Looks up each name on its own: those found are printed, those missing are told. */
async function lookUp(
  lookup: Lookup,
  names: readonly string[],
  errors: string[],
): Promise<readonly object[]> {
  const documents: object[] = [];
  for (const name of names) {
    try {
      const document = await documentOf(lookup, name);
      if (document === undefined) errors.push(`Error: No such ${lookup.type ?? "object"}: ${name}`);
      else documents.push(document);
    } catch (error) {
      errors.push(`Error: ${messageOf(error)}`);
    }
  }
  return documents;
}

function checkType(type: string | undefined): Type | undefined {
  const known = TYPES.find((candidate) => candidate === type);
  if (type !== undefined && known === undefined) {
    throw new Failure(`"${type}" is not a valid value for --type`);
  }
  return known;
}

function defineFor(command: Command, context: Context, only: Type | undefined): void {
  command
    .usage("[OPTIONS] NAME|ID [NAME|ID...]")
    .option("-f, --format <template>", "Format the output with a Go template, or with 'json'");
  if (only !== "image") command.option("-s, --size", "Tell how much a container holds");
  if (only === undefined) {
    command.option("--type <type>", "Return a document of this type only: container or image");
  }
  command
    .argument("[names...]")
    .addHelpText("after", HELP)
    .action(async (names: readonly string[], options: Options) => {
      checkArguments(command, names.length, 1);
      const type = only ?? checkType(options.type);
      const template = compile(options.format);
      const store = await context.store();
      const errors: string[] = [];
      const documents = await lookUp({ store, type, size: options.size === true }, names, errors);
      if (options.format === "json") await context.print(JSON.stringify(documents));
      else if (template === undefined) await context.print(JSON.stringify(documents, undefined, 4));
      else for (const document of documents) await context.print(render(template, document));
      if (template !== undefined && documents.length === 0) await context.print("");
      if (errors.length > 0) throw new Failure(errors.join("\n"));
    });
}

/** `inspect` of anything, containers first. */
export function define(command: Command, context: Context): void {
  defineFor(command, context, undefined);
}

/** `container inspect`. */
export const ofContainers: CommandModule = {
  define: (command, context) => defineFor(command, context, "container"),
};

/** `image inspect`. */
export const ofImages: CommandModule = {
  define: (command, context) => defineFor(command, context, "image"),
};
