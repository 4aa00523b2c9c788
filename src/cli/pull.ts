/**
 * `strata pull`: an image from a registry into the store.
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
import type { Pulled } from "../runtime/pull.ts";
import type { Context } from "./context.ts";
import { Failure, messageOf } from "./failure.ts";
import { checkArguments } from "./help.ts";
import {
  addRegistryFlags,
  platformFlag,
  type RegistryFlags,
  registryFailure,
  registryOptions,
} from "./registry-options.ts";
import { transferProgress } from "./transfer-progress.ts";

interface Options extends RegistryFlags {
  readonly allTags?: true;
  readonly allPlatforms?: true;
  readonly platform?: string;
  readonly quiet?: true;
}

const HELP = `
Layers are verified while they arrive; those that the store has are not downloaded. A pull
that was interrupted goes on where it stopped.

Examples:
  strata pull debian:12
  strata pull --platform linux/arm64 localhost:5000/me/app
  strata pull debian@sha256:6f2c5c3e...
`;

function parse(name: string): Reference {
  try {
    return parseReference(name);
  } catch (error) {
    throw new Failure(messageOf(error));
  }
}

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] NAME[:TAG|@DIGEST]")
    .option("-a, --all-tags", "Pull every tag of the repository")
    .option("--all-platforms", "Pull the images of every platform, and what belongs to them")
    .option("--platform <platform>", "Pull the image of this platform: os/arch[/variant]")
    .option("-q, --quiet", "Print only the name")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 1, 1);
      await pull(context, args[0]!, options);
    });
  addRegistryFlags(command);
}

async function pull(context: Context, name: string, options: Options): Promise<void> {
  const asked = parse(name);
  const platform = platformFlag(options.platform);
  const say = async (line: string) => {
    if (!options.quiet) await context.print(line);
  };
  const store = await context.store();
  const { pull: pullOne, pullAll } = await import("../runtime/registries.ts");
  let progress = transferProgress(context);
  const found = async (reference: Reference) => {
    progress = transferProgress(context);
    const what = reference.digest === undefined ? reference.tag : familiarReference(reference);
    await say(`${what}: Pulling from ${reference.path}`);
  };
  const settings = {
    ...registryOptions(context, options),
    ...(platform === undefined ? {} : { platform }),
    ...(options.allPlatforms ? { allPlatforms: true } : {}),
    found,
    observe: (event: TransferEvent) => {
      if (!options.quiet) progress.observe(event);
    },
  };
  const done = async ({ digest }: Pulled) => {
    await progress.end();
    await say(`Digest: ${digest}`);
  };
  const status = (newer: boolean, what: string) =>
    say(newer ? `Status: Downloaded newer image for ${what}` : `Status: Image is up to date for ${what}`);
  try {
    if (options.allTags) {
      let newer = false;
      await pullAll(store, name, {
        ...settings,
        async done(_, pulled) {
          newer ||= pulled.newer;
          await done(pulled);
        },
      });
      await status(newer, familiarName(asked));
      return await context.print(formatReference(asked));
    }
    const reference = withDefaultTag(asked);
    if (reference !== asked) await say(`Using default tag: ${reference.tag}`);
    const pulled = await pullOne(store, name, settings);
    await done(pulled);
    await status(pulled.newer, familiarReference(reference));
    await context.print(formatReference(reference));
  } catch (error) {
    await progress.end();
    throw registryFailure(error);
  }
}
