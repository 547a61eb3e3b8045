import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { promisify } from "node:util";
import { findCommand } from "../../scripts/servers/commands.ts";
import type { Place } from "../../scripts/servers/kind.ts";
import { mysql } from "../../scripts/servers/mysql.ts";
import { openMysql } from "../../mixins/database/mysql.ts";
import { silent } from "../support/database.ts";
import { freePort, temporaryFolder } from "../support/server-process.ts";
import { reasonToSkip } from "../support/servers.ts";
import { waitFor } from "../support/wait.ts";

const skip = (await reasonToSkip("mysql")) || ((await findCommand("openssl")) === null && "openssl is not on PATH");

describe("TLS to MySQL", { skip }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: Place;

  before(async () => {
    folder = await temporaryFolder();
    const secrets = { password: "im", rootPassword: "root", kafkaClusterId: "" };
    place = { folder: join(folder.path, "mysql"), ports: [await freePort()], secrets };
  });
  after(() => folder[Symbol.asyncDispose]());

  /** A certificate that names a host, signed by itself. */
  async function certify(name: string, host: string): Promise<{ cert: string; key: string }> {
    const [cert, key] = [join(folder.path, `${name}.pem`), join(folder.path, `${name}.key`)];
    const kind = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", `/CN=${host}`];
    await promisify(execFile)("openssl", [...kind, "-addext", `subjectAltName=DNS:${host}`, "-out", cert, "-keyout", key]);
    return { cert, key };
  }

  async function usingServer({ cert, key }: { cert: string; key: string }, work: (url: string) => Promise<void>): Promise<void> {
    const program = (await mysql.find(""))!;
    await mysql.prepare(program, place);
    const tls = [`--ssl-cert=${cert}`, `--ssl-key=${key}`, `--ssl-ca=${cert}`];
    const server = spawn(program.file, [...mysql.args(program, place), ...tls], { stdio: "ignore" });
    const ended = once(server, "close");
    try {
      await waitFor(() => mysql.isReady(place), "the server", 20_000);
      await mysql.afterStart?.(place);
      await work(mysql.url(place).replace("127.0.0.1", "localhost"));
    } finally {
      server.kill("SIGKILL");
      await ended;
    }
  }
  const open = (url: string, ssl: boolean) => openMysql({ url, ssl, poolSize: 2, logger: silent });
  const cipher = async (url: string, ssl: boolean): Promise<unknown> => {
    const db = await open(url, ssl);
    const [row] = await db.select<{ Value: string }>("show session status like 'Ssl_cipher'");
    const models = await db.sequelize.query("show session status like 'Ssl_cipher'", { raw: true });
    await db.close();
    assert.equal((models[0] as { Value: string }[])[0]?.Value, row?.Value);
    return row?.Value;
  };

  it("encrypts when it is asked for, and refuses a certificate of nobody known or of another host", async () => {
    const [known, unknown, other] = [
      await certify("known", "localhost"),
      await certify("unknown", "localhost"),
      await certify("other", "elsewhere.example"),
    ];
    const trusted = await Promise.all([known.cert, other.cert].map((file) => readFile(file, "utf8")));
    setDefaultCACertificates([...getCACertificates("default"), ...trusted]);
    await usingServer(known, async (url) => {
      assert.match(String(await cipher(url, true)), /TLS_|GCM|CHACHA/);
      assert.equal(await cipher(url, false), "");
    });
    await usingServer(unknown, (url) => assert.rejects(open(url, true), /cannot be reached: .*self-signed certificate/));
    await usingServer(other, (url) => assert.rejects(open(url, true), /cannot be reached: .*(altnames|elsewhere)/));
  });
});
