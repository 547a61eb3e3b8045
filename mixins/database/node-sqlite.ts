import type { DatabaseSync as Connection, StatementSync } from "node:sqlite";

export type { Connection, StatementSync };
type NodeSqlite = NonNullable<ReturnType<typeof process.getBuiltinModule<"node:sqlite">>>;

/** Loads Node's own SQLite without the notice that some releases print for it; other warnings pass. */
function load(): NodeSqlite {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (!String(warning).includes("SQLite is an experimental feature")) Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
  try {
    return process.getBuiltinModule("node:sqlite");
  } finally {
    process.emitWarning = emitWarning;
  }
}

export const { DatabaseSync } = load();
