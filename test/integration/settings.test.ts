import assert from "node:assert/strict";
import { test } from "node:test";
import type { Settings } from "../../contracts/entities.ts";
import { withSubscriptions } from "../../mixins/event-stream/index.ts";
import settings from "../../services/settings/settings.service.ts";
import { createProbe, errorType } from "../support/accounts.ts";
import { createNode } from "../support/node.ts";
import { waitFor } from "../support/wait.ts";

const defaults: Settings = {
  whoMayAddMe: "everyone",
  searchable: true,
  showReadReceipts: true,
  showPresence: true,
  dnd: null,
  language: "en",
};
const dnd = { from: "22:00", to: "07:30", timeZone: "Asia/Shanghai" };

test("who never chose has the defaults", async () => {
  await using node = await createNode([settings]);
  assert.deepEqual(await node.as("1", "settings.get", {}), defaults);
  assert.deepEqual(await node.as("1", "settings.update", {}), defaults);
});

test("a change touches the given settings and no others, and nobody else's", async () => {
  await using node = await createNode([settings]);
  assert.deepEqual(await node.as("1", "settings.update", { searchable: false, dnd }), { ...defaults, searchable: false, dnd });
  assert.deepEqual(await node.as("1", "settings.update", { language: "zh", whoMayAddMe: "nobody" }), {
    ...defaults,
    searchable: false,
    dnd,
    language: "zh",
    whoMayAddMe: "nobody",
  });
  assert.deepEqual(await node.as("1", "settings.update", { dnd: null, searchable: true }), {
    ...defaults,
    language: "zh",
    whoMayAddMe: "nobody",
  });
  assert.deepEqual(await node.as("2", "settings.get", {}), defaults);
});

test("changes of different settings at one time all hold", async () => {
  await using node = await createNode([settings]);
  await Promise.all([
    node.as("1", "settings.update", { searchable: false }),
    node.as("1", "settings.update", { showPresence: false }),
    node.as("1", "settings.update", { showReadReceipts: false }),
    node.as("1", "settings.update", { dnd }),
    node.as("1", "settings.update", { language: "zh" }),
  ]);
  assert.deepEqual(await node.as("1", "settings.get", {}), {
    ...defaults,
    searchable: false,
    showPresence: false,
    showReadReceipts: false,
    dnd,
    language: "zh",
  });
});

/** Records what is told of changed settings. */
function changesHeard() {
  const heard: { userId: string; changed: string[] }[] = [];
  const schema = {
    name: "listener",
    mixins: [
      withSubscriptions({
        consumer: "listener",
        handlers: { "im.user.settings.changed": async ({ payload }) => void heard.push(payload) },
      }),
    ],
  };
  return { heard, schema };
}

test("what has another value afterwards is told, in the order of the changes", async () => {
  const { heard, schema } = changesHeard();
  await using node = await createNode([settings, schema]);
  await node.as("1", "settings.update", { showPresence: false, searchable: true, dnd });
  await node.as("1", "settings.update", { showPresence: false, dnd });
  await node.as("1", "settings.update", {});
  await node.as("1", "settings.update", { showPresence: true, dnd: null });
  await waitFor(() => heard.length === 2, "two events");
  assert.deepEqual(heard, [
    { userId: "1", changed: ["showPresence", "dnd"] },
    { userId: "1", changed: ["showPresence", "dnd"] },
  ]);
});

test("a change that cannot be told is not made", async () => {
  const probe = createProbe();
  await using node = await createNode([settings, probe.schema]);
  await node.as("1", "settings.update", { searchable: false });
  await probe.sql.execute("alter table outbox rename to outbox_gone");
  await assert.rejects(node.as("1", "settings.update", { showPresence: false }));
  await probe.sql.execute("alter table outbox_gone rename to outbox");
  assert.deepEqual(await node.as("1", "settings.get", {}), { ...defaults, searchable: false });
});

test("settings of many come with defaults and large ids as they are", async () => {
  await using node = await createNode([settings]);
  const large = "9223372036854775807";
  await node.as(large, "settings.update", { searchable: false });
  assert.deepEqual(await node.call("settings.of", { userIds: ["1", large] }), {
    1: defaults,
    [large]: { ...defaults, searchable: false },
  });
  assert.deepEqual(await node.call("settings.of", { userIds: [] }), {});
});

test("a time zone that does not exist, a wrong hour, an unknown field are refused by their names", async () => {
  await using node = await createNode([settings]);
  for (const [change, field] of [
    [{ dnd: { ...dnd, timeZone: "Mars/Olympus" } }, "dnd.timeZone"],
    [{ dnd: { ...dnd, timeZone: "+0800" } }, "dnd.timeZone"],
    [{ dnd: { ...dnd, from: "24:00" } }, "dnd"],
    [{ searchable: "no" }, "searchable"],
    [{ userId: "2" }, "userId"],
  ] as const) {
    await assert.rejects(
      node.as("1", "settings.update", change as never),
      (error) => JSON.stringify((error as { data?: unknown }).data).includes(`"${field}`),
      field,
    );
  }
  assert.deepEqual(await node.as("1", "settings.get", {}), defaults);
});

test("moleculer-db's own actions do not exist", async () => {
  await using node = await createNode([settings]);
  for (const action of ["find", "list", "count", "create", "insert", "remove"]) {
    assert.equal(await errorType(node.broker.call(`settings.${action}`, {})), "SERVICE_NOT_FOUND", action);
  }
});

test("a deleted user's settings are erased", async () => {
  const probe = createProbe();
  await using node = await createNode([settings, probe.schema]);
  await node.as("1", "settings.update", { searchable: false });
  await probe.publish("im.user.deleted", { userId: "1", groupIds: [] });
  assert.deepEqual(await probe.sql.select("select * from user_setting"), []);
  assert.deepEqual(await node.as("1", "settings.get", {}), defaults);
});
