import assert from "node:assert/strict";
import type { Database } from "../../mixins/database/port.ts";
import { waitFor } from "./wait.ts";

/** Tables of the machinery, which move without any change of what users have. */
const MACHINERY = ["migration", "id_mark", "turn", "migration_step", "sqlite_sequence", "consumed_event", "outbox"];
/** Changes with every request. */
const VOLATILE_COLUMNS = ["last_seen_at"];

/** All rows of all tables, each with its table's name. */
export type TableDump = ReadonlySet<string>;

/** The names of all tables. */
export async function tableNames(sql: Database): Promise<string[]> {
  const tables = await sql.select<{ name: string }>(
    sql.dialect === "sqlite"
      ? "select name from sqlite_master where type = 'table' order by name"
      : "select table_name as name from information_schema.tables where table_schema = database() order by table_name",
  );
  return tables.map(({ name }) => name);
}

/** Tables in which a text stands anywhere, those of the machinery too. */
export async function tablesWith(sql: Database, words: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await tableNames(sql)) {
    const rows = await sql.select(`select * from ${name}`);
    if (JSON.stringify(rows).includes(words)) found.push(name);
  }
  return found;
}

export async function dumpTables(sql: Database): Promise<TableDump> {
  const dump = new Set<string>();
  for (const name of (await tableNames(sql)).filter((table) => !MACHINERY.includes(table))) {
    const rows = await sql.select<Record<string, unknown>>(`select * from ${name}`);
    for (const row of rows) {
      for (const column of VOLATILE_COLUMNS) delete row[column];
      dump.add(`${name} ${JSON.stringify(row)}`);
    }
  }
  return dump;
}

/** Fails with the rows that came, went or changed since `before`. */
export async function assertUnchanged(sql: Database, before: TableDump, what?: string): Promise<void> {
  const after = await dumpTables(sql);
  assert.deepEqual({ new: [...after.difference(before)], gone: [...before.difference(after)] }, { new: [], gone: [] }, what);
}

/** Waits until the cursors of all who sent something have followed; they are written a moment later. */
export async function sendersSettled(sql: Database): Promise<void> {
  await waitFor(async () => {
    const [row] = await sql.select<{ behind: number }>(
      `select count(*) as behind from message m join conversation_member c on c.conversation_id = m.conversation_id
       and c.user_id = m.sender_id where m.seq > c.read_seq and (c.max_seq is null or m.seq <= c.max_seq)`,
    );
    return row?.behind === 0;
  }, "the cursors of the senders");
}
