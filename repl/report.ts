/** What a command found, as lines of a console. */
export type Report = readonly string[];

type Cell = string | number | null | undefined;

const shown = (cell: Cell): string => (cell === null || cell === undefined || cell === "" ? "-" : String(cell));

/** Columns, each as wide as its widest cell. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): Report {
  const cells = [head, ...rows.map((row) => row.map(shown))];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** One name and its value a line. */
export function facts(values: Readonly<Record<string, Cell>>): Report {
  const width = Math.max(...Object.keys(values).map((name) => name.length));
  return Object.entries(values).map(([name, value]) => `${name.padEnd(width)}  ${shown(value)}`);
}

/** A moment for people; null where there was none. */
export function moment(at: unknown): string | null {
  return typeof at === "number" && at > 0 ? new Date(at).toISOString() : null;
}
