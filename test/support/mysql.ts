import { randomUUID } from "node:crypto";
import { createConnection } from "mysql2/promise";

/** A database on a server that others use as well; `await using` drops it. */
export interface OwnDatabase extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
}

const ANSWER_MS = 60_000;

/** Runs statements one after the other, in a session of their own, and gives the rows of the last. */
export async function onServer(url: string, ...statements: string[]): Promise<Record<string, unknown>[]> {
  const connection = await createConnection({ uri: url, connectTimeout: ANSWER_MS });
  try {
    let rows: unknown = [];
    for (const sql of statements) [rows] = await connection.query({ sql, timeout: ANSWER_MS });
    return rows as Record<string, unknown>[];
  } finally {
    connection.destroy();
  }
}

const NAME = /^im_test_(\d+)_/;
let swept: Promise<void> | null = null;

/** Makes a database whose text is compared exactly, as the product's tables say. @param server a URL as in IM_MYSQL_URL */
export async function ownDatabase(server: string): Promise<OwnDatabase> {
  await (swept ??= dropAbandoned(server));
  const name = `im_test_${process.pid}_${randomUUID().replaceAll("-", "")}`;
  const [exact] = await onServer(
    server,
    "SELECT collation_name AS name FROM information_schema.collations WHERE collation_name IN ('utf8mb4_0900_bin', 'utf8mb4_nopad_bin')",
  );
  await onServer(server, `CREATE DATABASE \`${name}\` CHARACTER SET utf8mb4 COLLATE ${String(exact?.["name"])}`);
  return {
    name,
    url: Object.assign(new URL(server), { pathname: `/${name}` }).href,
    [Symbol.asyncDispose]: async () => void (await onServer(server, `DROP DATABASE IF EXISTS \`${name}\``)),
  };
}

/** Databases of tests whose process was killed. */
async function dropAbandoned(server: string): Promise<void> {
  const rows = await onServer(server, "SELECT schema_name AS name FROM information_schema.schemata");
  const names = rows.map((row) => String(row["name"])).filter((name) => !isRunning(Number(NAME.exec(name)?.[1] ?? process.pid)));
  await onServer(server, ...names.map((name) => `DROP DATABASE IF EXISTS \`${name}\``));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
