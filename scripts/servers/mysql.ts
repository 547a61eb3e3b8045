import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Connection } from "mysql2/promise";
import { findCommand, runCommand, versionIn } from "./commands.ts";
import { DATABASE, portOf } from "./kind.ts";
import type { Place, Program, ServerKind } from "./kind.ts";

const PROBE_TIMEOUT_MS = 2_000;
const INITIALISE_TIMEOUT_MS = 120_000;
/** Systems allow 107 bytes, and the server needs some for a file beside it. */
const MAX_SOCKET_PATH_BYTES = 95;

const dataFolder = ({ folder }: Place): string => join(folder, "data");
const usersFile = ({ folder }: Place): string => join(folder, "users.sql");
const isMariaDb = ({ version }: Program): boolean => version.startsWith("MariaDB");
/** Root must be named; anybody else's name is the default. */
const asThisUser = (): string[] => (process.getuid?.() === 0 ? ["--user=root"] : []);

function socketFile({ folder }: Place): string {
  const inside = join(folder, "mysqld.sock");
  if (Buffer.byteLength(inside) <= MAX_SOCKET_PATH_BYTES) return inside;
  return join(tmpdir(), `im-${createHash("sha256").update(folder).digest("hex").slice(0, 16)}.sock`);
}

/** For what `im` may not do, such as making the server read-only. */
export function rootUrl(place: Place): string {
  return `mysql://root:${place.secrets.rootPassword}@127.0.0.1:${portOf(place)}/`;
}

/** Beside its end, so that a start that was interrupted leaves no half of it. */
async function initialise(program: Program, place: Place): Promise<void> {
  const data = dataFolder(place);
  if (existsSync(data)) return;
  const unfinished = `${data}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  const where = ["--no-defaults", `--datadir=${unfinished}`, ...asThisUser()];
  if (isMariaDb(program)) {
    const install = (await findCommand("mariadb-install-db")) ?? join(dirname(program.file), "mariadb-install-db");
    await runCommand(install, [...where, "--skip-test-db", "--skip-name-resolve"], INITIALISE_TIMEOUT_MS);
  } else {
    await runCommand(program.file, [...where, "--initialize-insecure"], INITIALISE_TIMEOUT_MS);
  }
  await rename(unfinished, data);
}

/** Run by the server at each start, before it listens: nobody ever gets in without the password. */
function rootStatements({ secrets }: Place): string {
  const identified = `IDENTIFIED BY '${secrets.rootPassword}'`;
  return [
    `ALTER USER 'root'@'localhost' ${identified};`,
    `CREATE USER IF NOT EXISTS 'root'@'127.0.0.1' ${identified};`,
    `ALTER USER 'root'@'127.0.0.1' ${identified};`,
    "GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;",
    "DROP USER IF EXISTS 'root'@'::1';",
    "",
  ].join("\n");
}

async function connectAsRoot(place: Place): Promise<Connection> {
  const { createConnection } = await import("mysql2/promise");
  return createConnection({ uri: rootUrl(place), connectTimeout: PROBE_TIMEOUT_MS });
}

/** MySQL 8 or MariaDB, each commit on the disk before it is answered. */
export const mysql: ServerKind = {
  name: "mysql",
  setting: "IM_MYSQL_URL",
  portCount: 1,
  advice: "put mariadbd or mysqld on PATH (Debian: mariadb-server-core, Homebrew: mariadb)",

  async find() {
    const file = await findCommand("mariadbd", "mysqld");
    if (file === null) return null;
    const output = await runCommand(file, ["--no-defaults", "--version"]);
    const product = output.includes("MariaDB") ? "MariaDB" : "MySQL";
    return { file, version: `${product} ${versionIn(output.slice(output.indexOf("Ver")))}`, from: file };
  },

  async missingPackages() {
    return (await findCommand("mariadbd", "mysqld")) === null ? ["mariadb-server-core"] : [];
  },

  async prepare(program, place) {
    await mkdir(place.folder, { recursive: true, mode: 0o700 });
    await initialise(program, place);
    await writeFile(usersFile(place), rootStatements(place), { mode: 0o600 });
  },

  args: (_program, place) => [
    ...["--no-defaults", ...asThisUser(), `--datadir=${dataFolder(place)}`, `--init-file=${usersFile(place)}`],
    ...["--bind-address=127.0.0.1", `--port=${portOf(place)}`, `--socket=${socketFile(place)}`, "--skip-name-resolve"],
    ...[`--pid-file=${join(place.folder, "mysqld.pid")}`, "--loose-mysqlx=OFF", "--skip-log-bin", "--max-connections=300"],
    ...["--innodb-flush-log-at-trx-commit=1", "--character-set-server=utf8mb4", "--collation-server=utf8mb4_unicode_ci"],
  ],

  url: (place) => `mysql://${DATABASE}:${place.secrets.password}@127.0.0.1:${portOf(place)}/${DATABASE}`,

  async isReady(place) {
    try {
      const connection = await connectAsRoot(place);
      try {
        await connection.query({ sql: "SELECT 1", timeout: PROBE_TIMEOUT_MS });
        return true;
      } finally {
        connection.destroy();
      }
    } catch {
      return false;
    }
  },

  async afterStart(place) {
    const connection = await connectAsRoot(place);
    try {
      await connection.query(`CREATE DATABASE IF NOT EXISTS \`${DATABASE}\` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`);
      await connection.query(`CREATE USER IF NOT EXISTS '${DATABASE}'@'%' IDENTIFIED BY '${place.secrets.password}'`);
      await connection.query(`GRANT ALL PRIVILEGES ON \`${DATABASE}\`.* TO '${DATABASE}'@'%'`);
      await connection.query(`GRANT ALL PRIVILEGES ON \`${DATABASE}\\_%\`.* TO '${DATABASE}'@'%'`);
    } finally {
      connection.destroy();
    }
  },
};
