/**
 * `strata inspect`: all that is known of images, as `docker inspect` tells it.
 */
import type { Command } from "commander";
import type { Store } from "../runtime/store.ts";
import type { Context } from "./context.ts";
import { Failure, isNoSuchImage, messageOf } from "./failure.ts";
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

/** Looks up each name on its own: those found are printed, those missing are told. */
async function collect(store: Store, names: readonly string[], errors: string[]): Promise<readonly object[]> {
  const documents: object[] = [];
  const stored = await store.images();
  for (const name of names) {
    try {
      const image = await store.image(name);
      const known = stored.find((candidate) => candidate.image.id === image.id);
      documents.push(await inspectImage(store, known?.image ?? image));
    } catch (error) {
      errors.push(isNoSuchImage(error) ? `Error: No such object: ${name}` : `Error: ${messageOf(error)}`);
    }
  }
  return documents;
}

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] NAME|ID [NAME|ID...]")
    .option("-f, --format <template>", "Format the output with a Go template, or with 'json'")
    .option("-s, --size", "Accepted for Docker's sake; sizes are always shown")
    .option("--type <type>", "Return a document of this type only: image")
    .argument("[names...]")
    .addHelpText("after", HELP)
    .action(async (names: readonly string[], options: Options) => {
      checkArguments(command, names.length, 1);
      if (options.type !== undefined && options.type !== "image") {
        throw new Failure(`"${options.type}" is not a valid value for --type`);
      }
      const template = compile(options.format);
      const store = await context.store();
      const errors: string[] = [];
      const documents = await collect(store, names, errors);
      if (options.format === "json") await context.print(JSON.stringify(documents));
      else if (template === undefined) await context.print(JSON.stringify(documents, undefined, 4));
      else for (const document of documents) await context.print(render(template, document));
      if (template !== undefined && documents.length === 0) await context.print("");
      if (errors.length === 0) return;
      const noun = options.type === "image" ? "image" : "object";
      throw new Failure(errors.join("\n").replaceAll("No such object", `No such ${noun}`));
    });
}
