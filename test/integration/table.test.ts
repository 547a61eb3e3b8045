import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ServiceBroker } from "moleculer";
import type { Context, Service, ServiceSchema, ServiceSettingSchema } from "moleculer";
import { DataTypes } from "sequelize";
import type { InferAttributes, InferCreationAttributes, Model, Sequelize } from "sequelize";
import { buildConfig } from "../../config/env.ts";
import { withDatabase, type DatabaseVars } from "../../mixins/database/index.ts";
import { bindConfig } from "../../mixins/shared.ts";
import { tableMixin, type TableVars } from "../../mixins/table/index.ts";

interface Word extends Model<InferAttributes<Word>, InferCreationAttributes<Word>> {
  id: string;
  text: string;
}

const defineWord = (sequelize: Sequelize) =>
  sequelize.define<Word>(
    "word",
    { id: { type: DataTypes.STRING, primaryKey: true }, text: { type: DataTypes.STRING, unique: true, allowNull: false } },
    { timestamps: false, tableName: "word" },
  );

type WordService = Service & TableVars<Word>;

/** A schema whose `this` has what its mixins put there. */
const typed = <Vars>(schema: ServiceSchema<ServiceSettingSchema, unknown, Vars>) => schema as unknown as ServiceSchema;

function wordService(name: string): ServiceSchema {
  return typed<TableVars<Word>>({
    name,
    mixins: [tableMixin({ model: defineWord, notFound: "NOTIFICATION_NOT_FOUND", conflict: "IDEMPOTENCY_CONFLICT" })],
    actions: {
      add: {
        visibility: "public",
        handler(this: WordService, ctx: Context<{ id: string; text: string }>) {
          return this._create(ctx, ctx.params);
        },
      },
      get: {
        visibility: "public",
        handler(this: WordService, ctx: Context<{ id: string }>) {
          return this._get(ctx, { id: ctx.params.id });
        },
      },
      rename: {
        visibility: "public",
        handler(this: WordService, ctx: Context<{ id: string; text: string }>) {
          return this._update(ctx, ctx.params);
        },
      },
      erase: {
        visibility: "public",
        handler(this: WordService, ctx: Context<{ id: string }>) {
          return this._remove(ctx, ctx.params);
        },
      },
      startingWith: {
        visibility: "public",
        async handler(this: WordService, ctx: Context<{ prefix: string }>) {
          const rows = await this.sql.select<{ id: string }>("SELECT id FROM word WHERE text LIKE :like ORDER BY id", {
            like: `${ctx.params.prefix}%`,
          });
          return rows.map(({ id }) => id);
        },
      },
    },
  });
}

/** Makes the table, as a migration would, before the services start. */
const tableMaker = typed<DatabaseVars>({
  name: "maker",
  mixins: [withDatabase()],
  async started(this: Service & DatabaseVars) {
    await this.sql.execute("CREATE TABLE word (id VARCHAR(20) NOT NULL PRIMARY KEY, text VARCHAR(50) NOT NULL UNIQUE)");
  },
});

describe("tableMixin", () => {
  let broker: ServiceBroker;
  let dataDir: string;

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "im-table-"));
    broker = new ServiceBroker({ logger: false });
    bindConfig(broker, buildConfig({ dataDir }));
    for (const schema of [tableMaker, wordService("word"), wordService("lexicon")]) broker.createService(schema);
    await broker.start();
  });

  after(async () => {
    await broker.stop();
    await rm(dataDir, { recursive: true });
  });

  it("keeps rows through the service's own actions", async () => {
    await broker.call("word.add", { id: "1", text: "one" });
    await broker.call("word.add", { id: "2", text: "only" });
    assert.deepEqual(await broker.call("word.get", { id: "1" }), { id: "1", text: "one" });
    assert.deepEqual(await broker.call("word.rename", { id: "1", text: "once" }), { id: "1", text: "once" });
    assert.deepEqual(await broker.call("word.startingWith", { prefix: "on" }), ["1", "2"]);
    await broker.call("word.erase", { id: "1" });
    assert.deepEqual(await broker.call("word.startingWith", { prefix: "on" }), ["2"]);
  });

  it("answers with the table of errors", async () => {
    await assert.rejects(broker.call("word.get", { id: "none" }), { type: "NOTIFICATION_NOT_FOUND", code: 404 });
    await assert.rejects(broker.call("word.erase", { id: "none" }), { type: "NOTIFICATION_NOT_FOUND" });
    await broker.call("word.add", { id: "3", text: "three" });
    await assert.rejects(broker.call("word.add", { id: "3", text: "other" }), { type: "IDEMPOTENCY_CONFLICT", code: 409 });
    await assert.rejects(broker.call("word.add", { id: "4", text: "three" }), { type: "IDEMPOTENCY_CONFLICT" });
    await assert.rejects(broker.call("word.add", { id: "4" }), { type: "VALIDATION", data: { fields: ["text"] } });
  });

  it("has none of moleculer-db's own actions, and publishes nothing", () => {
    const actions = broker.registry.getActionList({ onlyLocal: true, skipInternal: true }) as {
      name: string;
      action: { visibility?: string };
    }[];
    const own = actions.filter(({ name }) => name.startsWith("word."));
    assert.deepEqual(own.map(({ name }) => name).sort(), [
      "word.add",
      "word.erase",
      "word.get",
      "word.rename",
      "word.startingWith",
    ]);
    assert.deepEqual(
      own.filter(({ action }) => action.visibility !== "public"),
      [],
    );
  });

  it("stays open for the others when one of its services stops", async () => {
    await broker.destroyService("lexicon");
    await broker.call("word.add", { id: "9", text: "nine" });
    assert.deepEqual(await broker.call("word.get", { id: "9" }), { id: "9", text: "nine" });
  });
});

describe("withDatabase", () => {
  const using = (seen: DatabaseVars[]) =>
    typed<DatabaseVars>({
      name: "user",
      mixins: [withDatabase(), withDatabase()],
      async started(this: Service & DatabaseVars) {
        await this.sql.ping();
        seen.push({ sql: this.sql });
      },
      async stopped(this: Service & DatabaseVars) {
        await this.sql.ping();
      },
    });

  it("brings the schema up to date, closes with the last service and opens the same data again", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "im-shared-"));
    const seen: DatabaseVars[] = [];
    for (let round = 1; round <= 2; round++) {
      const broker = new ServiceBroker({ logger: false });
      bindConfig(broker, buildConfig({ dataDir }));
      broker.createService(using(seen));
      await broker.start();
      const sql = seen.at(-1)?.sql;
      assert.ok(sql);
      assert.ok((await sql.select("SELECT name FROM migration")).length > 0);
      await broker.stop();
      await assert.rejects(sql.ping(), /closed/);
    }
    await rm(dataDir, { recursive: true });
  });
});
