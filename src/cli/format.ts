/**
 * `--format` for lists: a Go template for each row, with `table` in front for aligned columns and a
 * header, or `json` for one document a line (docker/cli formatter).
 */
import { Failure } from "./failure.ts";
import { alignColumns } from "./table.ts";
import { goJson } from "./template/functions.ts";
import { TemplateError } from "./template/lexer.ts";
import { compileTemplate, type Template } from "./template/template.ts";

export type Row = Readonly<Record<string, unknown>>;

function compile(source: string): Template {
  const template = guard("template parsing error", () => compileTemplate(source));
  return (data) => guard("template parsing error", () => template(data));
}

function guard<T>(prefix: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof TemplateError) throw new Failure(`${prefix}: ${error.message}`);
    throw error;
  }
}

/**
 * Lists rows.
 * @param format what the user asked for; empty or `table` for the default columns
 * @param columns the default table, as a template
 * @param headers the heading of each field
 * @returns complete lines, each with its line feed
 */
export function formatRows(
  format: string,
  columns: string,
  headers: Readonly<Record<string, string>>,
  rows: readonly Row[],
): string {
  if (format === "json") return rows.map((row) => `${goJson(row)}\n`).join("");
  const isTable = format === "" || format === "table" || format.startsWith("table ");
  const given = isTable ? format.slice("table".length).trimStart() : format;
  const template = compile((given || columns).replaceAll("\\t", "\t").replaceAll("\\n", "\n"));
  const lines = rows.map(template);
  if (!isTable) return lines.map((line) => `${line}\n`).join("");
  return alignColumns([template(headers), ...lines])
    .map((line) => `${line}\n`)
    .join("");
}
