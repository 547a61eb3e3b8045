import { onServer, ownDatabase, type OwnDatabase } from "./mysql.ts";
import { serversFor } from "./servers.ts";

/** Databases of data folders, and those that a node has left behind, empty. */
const inUse = new Map<string, Promise<OwnDatabase>>();
const free: OwnDatabase[] = [];
/** Folders of several nodes: one may stop, and take the folder along, while another works on. */
const shared = new Set<string>();

// Behind every test and its hooks, which stop the nodes.
process.once("beforeExit", () => void dropAll());

async function dropAll(): Promise<void> {
  for (const own of [...(await Promise.all(inUse.values())), ...free]) await own[Symbol.asyncDispose]();
}

/** The URL of the database that belongs to a data folder; it is made for the first who asks. */
export async function databaseOf(dataDir: string): Promise<string> {
  let own = inUse.get(dataDir);
  if (own) shared.add(dataDir);
  else inUse.set(dataDir, (own = nextDatabase()));
  return (await own).url;
}

/** The folder is gone, and its database can be that of another. */
export async function forgetDatabaseOf(dataDir: string): Promise<void> {
  const own = await inUse.get(dataDir);
  if (!own || shared.has(dataDir)) return;
  inUse.delete(dataDir);
  if (await isAsMigrated(own)) free.push(own);
  else await own[Symbol.asyncDispose]();
}

async function nextDatabase(): Promise<OwnDatabase> {
  const left = free.pop();
  if (left) return left;
  const { url, skip } = await serversFor("mysql");
  if (skip !== false) throw new Error(skip);
  return ownDatabase(url);
}

/** Empties the tables, since making them anew takes half a second. False when the test left more than rows behind. */
async function isAsMigrated({ url }: OwnDatabase): Promise<boolean> {
  const triggers = await onServer(url, "SELECT 1 FROM information_schema.triggers WHERE trigger_schema = DATABASE()");
  if (triggers.length > 0) return false;
  const tables = await onServer(
    url,
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name NOT LIKE 'migration%'",
  );
  const filled = tables.map(({ name }) => `SELECT '${String(name)}' AS name WHERE EXISTS (SELECT 1 FROM \`${String(name)}\`)`);
  if (filled.length === 0) return true;
  const rows = await onServer(url, filled.join(" UNION ALL "));
  await onServer(url, ...rows.map(({ name }) => `DELETE FROM \`${String(name)}\``));
  return true;
}
