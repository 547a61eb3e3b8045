/** Writes pairs of rows in transactions, says on stdout which were acknowledged, and kills itself in the middle of one. */
import { writeSync } from "node:fs";
import type { Database } from "../../../mixins/database/port.ts";
import { openMysql } from "../../../mixins/database/mysql.ts";
import { openSqlite } from "../../../mixins/database/sqlite.ts";

const TRANSACTIONS_BEFORE_DEATH = 40;
const silent = { warn: () => undefined, error: () => undefined };

const openers: Record<string, (where: string) => Promise<Database>> = {
  sqlite: (file) => openSqlite({ file, logger: silent }),
  mysql: (url) => openMysql({ url, poolSize: 2, logger: silent }),
};

const [table = "", kind = "", where = ""] = process.argv.slice(2);
const db = await openers[kind]?.(where);
if (!db) throw new Error(`No way to open ${kind}`);

for (let n = 0; ; n++) {
  await db.transaction(async (tx) => {
    await db.insertRows(table, [{ id: `${n}a`, grp: "a", n }], "fail", tx);
    if (n === TRANSACTIONS_BEFORE_DEATH) process.kill(process.pid, "SIGKILL");
    await db.insertRows(table, [{ id: `${n}b`, grp: "b", n }], "fail", tx);
  });
  writeSync(1, `${n}a\n${n}b\n`);
}
