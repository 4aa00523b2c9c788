/**
 * `strata search`: repositories of Docker Hub, or of the registry that the term names.
 */
import type { Command } from "commander";
import type { SearchResult } from "../registry/search.ts";
import type { Context } from "./context.ts";
import { Failure, refused } from "./failure.ts";
import { formatRows, type Row } from "./format.ts";
import { checkArguments } from "./help.ts";
import {
  addRegistryFlags,
  type RegistryFlags,
  registryFailure,
  registryOptions,
} from "./registry-options.ts";

interface Options extends RegistryFlags {
  readonly filter: readonly string[];
  readonly format?: string;
  readonly limit: string;
  /** `--no-trunc` gives false. */
  readonly trunc: boolean;
}

const HUB = "docker.io";
const DEFAULT_LIMIT = "25";
const DESCRIPTION_WIDTH = 45;
const COLUMNS = "{{.Name}}\\t{{.Description}}\\t{{.StarCount}}\\t{{.IsOfficial}}\\t{{.IsAutomated}}";
const HEADERS = {
  Name: "NAME",
  Description: "DESCRIPTION",
  StarCount: "STARS",
  IsOfficial: "OFFICIAL",
  IsAutomated: "AUTOMATED",
};

const HELP = `
A term with a registry in front searches that one: by its own search where it has one, else in
the list of its repositories.

Examples:
  strata search --filter is-official=true debian
  strata search localhost:5000/app
`;

type Filter = (result: SearchResult) => boolean;

function flag(value: string, name: string): boolean {
  if (value === "true" || value === "1") return true;
  if (value === "false" || value === "0") return false;
  throw refused(`Invalid filter '${name}=${value}'`);
}

function parseFilter(text: string): Filter {
  const equals = text.indexOf("=");
  if (equals < 0)
    throw new Failure(
      `invalid argument "${text}" for "-f, --filter" flag: bad format of filter (expected name=value)`,
      125,
    );
  const [name, value] = [text.slice(0, equals), text.slice(equals + 1)];
  if (name === "is-official") {
    const wanted = flag(value, name);
    return ({ official }) => official === wanted;
  }
  if (name === "is-automated") {
    const wanted = flag(value, name);
    return ({ automated }) => automated === wanted;
  }
  if (name === "stars") {
    if (!/^[0-9]+$/.test(value)) throw refused(`Invalid filter 'stars=${value}'`);
    return ({ stars }) => stars >= Number(value);
  }
  throw refused(`Invalid filter '${name}'`);
}

function rowOf(result: SearchResult, truncate: boolean): Row {
  const line = [...result.description.replace(/[\r\n]/g, " ")];
  const short = line.length <= DESCRIPTION_WIDTH ? line : [...line.slice(0, DESCRIPTION_WIDTH - 1), "…"];
  return {
    Name: result.name,
    Description: (truncate ? short : line).join(""),
    StarCount: String(result.stars),
    IsOfficial: result.official ? "[OK]" : "",
    IsAutomated: result.automated ? "[OK]" : "",
  };
}

/** The registry of a term, and what to search there. */
function splitTerm(term: string): readonly [string, string] {
  const slash = term.indexOf("/");
  const first = term.slice(0, Math.max(slash, 0));
  const isHost = /[.:]/.test(first) || first === "localhost";
  return isHost ? [first, term.slice(slash + 1)] : [HUB, term];
}

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] TERM")
    .option(
      "-f, --filter <filter>",
      "Show only what matches: is-official=true, stars=3 (may be given several times)",
      (value: string, before: readonly string[]) => [...before, value],
      [],
    )
    .option("--format <template>", "Go template for each line, or table, or json")
    .option("--limit <number>", "Most results to ask for", DEFAULT_LIMIT)
    .option("--no-trunc", "Show descriptions whole")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 1, 1);
      const filters = options.filter.map(parseFilter);
      const [domain, term] = splitTerm(args[0]!);
      const { search } = await import("../registry/search.ts");
      try {
        const found = await search(domain, term, Number(options.limit), registryOptions(context, options));
        const rows = found
          .filter((result) => filters.every((filter) => filter(result)))
          .map((result) => rowOf(result, options.trunc));
        await context.write(formatRows(options.format ?? "", COLUMNS, HEADERS, rows));
      } catch (error) {
        throw registryFailure(error);
      }
    });
  addRegistryFlags(command);
}
