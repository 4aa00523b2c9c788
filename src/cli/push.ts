/**
 * `strata push`: an image of the store to its registry.
 */
import type { Command } from "commander";
import {
  familiarName,
  familiarReference,
  formatReference,
  parseReference,
  type Reference,
  withDefaultTag,
} from "../oci/reference.ts";
import type { TransferEvent } from "../registry/progress.ts";
import type { Pushed } from "../runtime/push.ts";
import type { Store } from "../runtime/store.ts";
import type { Context } from "./context.ts";
import { Failure, isNoSuchImage, messageOf } from "./failure.ts";
import { checkArguments } from "./help.ts";
import {
  addRegistryFlags,
  type RegistryFlags,
  registryFailure,
  registryOptions,
} from "./registry-options.ts";
import { transferProgress } from "./transfer-progress.ts";

interface Options extends RegistryFlags {
  readonly allTags?: true;
  readonly quiet?: true;
}

const HELP = `
The image is pushed byte for byte as it is in the store: an index whole, with everything that
belongs to it. What the registry has is not sent.

Examples:
  strata push localhost:5000/me/app:1
  strata push -a registry.example.com/me/app
`;

function parse(name: string): Reference {
  try {
    return parseReference(name);
  } catch (error) {
    throw new Failure(messageOf(error));
  }
}

/** The image of exactly this name: an ID is none. */
async function named(store: Store, reference: Reference) {
  const missing = new Failure(`An image does not exist locally with the tag: ${familiarName(reference)}`);
  return await store.image(formatReference(reference)).catch((error: unknown) => {
    throw isNoSuchImage(error) ? missing : error;
  });
}

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] NAME[:TAG]")
    .option("-a, --all-tags", "Push every tag of the repository")
    .option("-q, --quiet", "Print only the name")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 1, 1);
      await push(context, args[0]!, options);
    });
  addRegistryFlags(command);
}

async function push(context: Context, name: string, options: Options): Promise<void> {
  const asked = parse(name);
  if (asked.digest !== undefined) throw new Failure("cannot push a digest reference");
  if (options.allTags && asked.tag !== undefined) throw new Failure("tag can't be used with --all-tags/-a");
  const say = async (line: string) => {
    if (!options.quiet) await context.print(line);
  };
  const reference = withDefaultTag(asked);
  if (!options.allTags && asked.tag === undefined) await say(`Using default tag: ${reference.tag}`);
  await say(`The push refers to repository [${formatReference({ domain: asked.domain, path: asked.path })}]`);
  const store = await context.store();
  const { push: pushOne, pushAll } = await import("../runtime/registries.ts");
  let progress = transferProgress(context);
  const done = async ({ tag }: Reference, { digest, size }: Pushed) => {
    await progress.end();
    progress = transferProgress(context);
    await say(`${tag}: digest: ${digest} size: ${size}`);
  };
  const settings = {
    ...registryOptions(context, options),
    observe: (event: TransferEvent) => {
      if (!options.quiet) progress.observe(event);
    },
  };
  try {
    if (options.allTags) await pushAll(store, name, { ...settings, done });
    else await done(reference, await pushOne(store, await named(store, reference), name, settings));
  } catch (error) {
    await progress.end();
    throw isNoSuchImage(error) ? new Failure(messageOf(error)) : registryFailure(error);
  }
  if (options.quiet)
    await context.print(options.allTags ? familiarName(asked) : familiarReference(reference));
}
