/**
 * Columns as Docker aligns them (Go's text/tabwriter with a minimum of ten and three blanks between).
 */

const MIN_WIDTH = 10;
const PADDING = 3;

/** How much of a command line a column shows. */
const COMMAND_WIDTH = 45;

/** A command line as a column shows it: without tabs, and to be truncated on one line and not too long. */
export function shownCommand(command: string, truncate: boolean): string {
  if (!truncate) return command.replaceAll("\t", " ");
  const runes = [...command.replace(/[\t\r\n]/g, " ")];
  if (runes.length <= COMMAND_WIDTH) return runes.join("");
  return `${runes.slice(0, COMMAND_WIDTH - 1).join("")}…`;
}

function width(cell: string): number {
  return [...cell].length;
}

/** Lines of tab-separated cells as aligned lines. The last cell of a line is not padded. */
export function alignColumns(lines: readonly string[]): readonly string[] {
  const rows = lines.map((line) => line.split("\t"));
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.slice(0, -1).entries()) {
      widths[column] = Math.max(widths[column] ?? MIN_WIDTH, width(cell) + PADDING);
    }
  }
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === row.length - 1 ? cell : cell + " ".repeat(widths[column]! - width(cell)),
      )
      .join(""),
  );
}
