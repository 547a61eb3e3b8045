import assert from "node:assert/strict";
import { test } from "node:test";
import { contracts } from "../../contracts/index.ts";
import { routes } from "../../contracts/routes.ts";
import { clientEvents } from "../../contracts/socket-events.ts";
import { startIm } from "../support/im.ts";
import { readPublished } from "../support/published.ts";
import { buildScene } from "../support/scene.ts";
import { assertUnchanged, dumpTables, sendersSettled } from "../support/tables.ts";

const published = new Set<string>([
  ...routes.map(({ action }) => action),
  ...Object.values(clientEvents).flatMap(({ action }) => action ?? []),
]);
const internal = [
  ...Object.entries(contracts)
    .flatMap(([service, actions]) => Object.keys(actions).map((action) => `${service}.${action}`))
    .filter((name) => !published.has(name)),
  ...[
    "$node.list",
    "$node.services",
    "$node.actions",
    "$node.options",
    "$node.metrics",
    "~node.list",
    "api.rest",
    "api.listAliases",
  ],
];

/** Names that the client library does not send, and the server's does not take (see security-frames). */
const RESERVED = ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/** Ways to name an action in an event. */
function eventNames(action: string): string[] {
  const [service = "", name = ""] = action.split(".");
  const kebab = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return [
    action,
    `${service}:${name}`,
    `${service}/${name}`,
    `${service}:${kebab}`,
    action.toUpperCase(),
    `im:${action}`,
    name,
    `$${action}`,
  ];
}

/** Ways to name an action in a path. */
function paths(action: string): string[] {
  const [service = "", name = ""] = action.split(".");
  const both = `${encodeURIComponent(service)}/${name}`;
  return [
    ...[
      `/api/v1/${action}`,
      `/api/v1/${both}`,
      `/api/v1/internal/${both}`,
      `/${both}`,
      `/${action}`,
      `/api/${both}`,
      `/admin/${both}`,
    ],
    ...[`/api/v1/users/me?action=${action}`, `/api/v1/~${both}`, `/socket.io/${both}`, `/api/v1/actions/${action}`],
  ];
}

test("no event of a client reaches an internal action, whoever sends it and however it is spelt", async () => {
  await using im = await startIm();
  const { people } = await buildScene(im);
  await sendersSettled(im.sql);
  const before = await dumpTables(im.sql);
  for (const person of [people.outsider, people.owner]) {
    await using client = await im.connect({ token: person.token });
    const { userId } = person;
    const payload = {
      userId,
      userIds: [userId],
      room: `u:${userId}`,
      deliveries: [],
      disabled: true,
      limit: 1,
      conversationId: "g_1",
    };
    const names = internal.flatMap(eventNames).filter((name) => !Object.hasOwn(clientEvents, name) && !RESERVED.includes(name));
    const answers = await Promise.all(names.map(async (name) => [name, (await client.send(name, payload)).code] as const));
    assert.deepEqual(
      answers.filter(([, code]) => code !== 9010),
      [],
    );
  }
  await assertUnchanged(im.sql, before);
});

test("no path reaches an internal action, whoever asks and however it is spelt", async () => {
  await using im = await startIm();
  const { people } = await buildScene(im);
  await sendersSettled(im.sql);
  const before = await dumpTables(im.sql);
  for (const token of [undefined, people.outsider.token, people.owner.token]) {
    for (const path of internal.flatMap(paths)) {
      for (const method of ["GET", "POST"]) {
        const { status } = await fetch(im.url + path, {
          method,
          headers: { "Content-Type": "application/json", ...(token !== undefined && { Authorization: `Bearer ${token}` }) },
          ...(method === "POST" && { body: JSON.stringify({ userId: people.owner.userId }) }),
        });
        assert.ok([400, 401, 404, 405].includes(status), `${method} ${path}: ${status}`);
        if (status === 401) assert.ok(path.startsWith("/api/v1/users/me?") && token === undefined, path);
      }
    }
  }
  await assertUnchanged(im.sql, before);
});

test("the published events are those that are answered, and no others", async () => {
  await using im = await startIm();
  const { people } = await buildScene(im);
  const { events } = await readPublished(im);
  await using client = await im.connect({ token: people.owner.token });
  for (const { name } of events) assert.notEqual((await client.send(name, {})).code, 9010, name);
  const names = events.map(({ name }) => name);
  const others = [
    "message",
    "message:",
    ":send",
    "message:send:",
    "Message:Send",
    "message.send",
    " message:send",
    "sync",
    "join",
    "leave",
    "subscribe",
    "ping",
    "error",
    "session:ended",
    "message:new",
  ];
  for (const name of others.filter((other) => !names.includes(other)))
    assert.equal((await client.send(name, {})).code, 9010, name);
});
