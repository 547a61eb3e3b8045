import assert from "node:assert/strict";
import { test } from "node:test";
import { RestClient } from "../../scripts/rest-client.ts";
import { freePort, runProcess, startServer, temporaryFolder } from "../support/server-process.ts";

const DEMO = ["--import", "./scripts/check-node.js", "scripts/demo.ts"];

interface Conversation {
  readonly conversationId: string;
  readonly maxSeq: number;
}

/** All that alice sees of the world, without what changes by looking. */
async function worldOf(url: string) {
  const { accessToken } = await new RestClient(url).post<{ accessToken: string }>("/users/login", {
    username: "alice",
    password: "lantern-quartz-42",
  });
  const alice = new RestClient(url, accessToken);
  const { items: friends } = await alice.get<{ items: { user: { username: string } }[] }>("/social/friends");
  const { items: conversations } = await alice.get<{ items: Conversation[] }>("/social/conversations");
  const { items: groups } = await alice.get<{ items: { name: string; memberCount: number }[] }>("/social/groups");
  const histories = await Promise.all(
    conversations.map(({ conversationId }) =>
      alice.get<{ items: { content: object; recalledAt?: number; reactions?: { emoji: string; count: number }[] }[] }>(
        `/messages/conversations/${conversationId}/history`,
      ),
    ),
  );
  const messages = histories.flatMap(({ items }) => items);
  return {
    friends: friends.map(({ user }) => user.username).sort(),
    heads: conversations.map(({ conversationId, maxSeq }) => `${conversationId}:${maxSeq}`).sort(),
    groups: groups.map(({ name, memberCount }) => `${name} ${memberCount}`),
    texts: messages.flatMap(({ content }) => ("text" in content ? [content.text] : [])),
    recalled: messages.filter(({ recalledAt }) => recalledAt).length,
    reactions: messages.flatMap(({ reactions = [] }) => reactions.map(({ emoji, count }) => `${emoji}${count}`)).sort(),
  };
}

test("the demo makes its world without a server, and finds it there on one that runs", async () => {
  await using folder = await temporaryFolder();
  const port = await freePort();
  const env = { IM_DATA_DIR: folder.path, IM_PORT: String(port) };
  await using first = runProcess(DEMO, env);
  assert.equal(await first.ended, 0, first.written.err);
  assert.match(first.written.out, /alice +lantern-quartz-42/);
  assert.match(first.written.out, /once it runs: npm start/);

  await using server = await startServer(env);
  const world = await worldOf(server.url);
  assert.deepEqual(world.friends, ["bob", "carol", "dave", "mei"]);
  assert.deepEqual(world.groups, ["Weekend hike 周末徒步 5"]);
  assert.ok(world.texts.includes("天气预报说是晴天。"));
  assert.equal(world.recalled, 1);
  assert.deepEqual(world.reactions, ["❤️1", "👍1", "👍1"].sort());

  await using second = runProcess([...DEMO, "--url", server.url]);
  assert.equal(await second.ended, 0, second.written.err);
  assert.match(second.written.out, /alice +lantern-quartz-42/);
  assert.deepEqual(await worldOf(server.url), world);
});

test("a demo for a server that is not there ends in one line", async () => {
  await using demo = runProcess([...DEMO, "--url", `http://127.0.0.1:${await freePort()}`]);
  assert.equal(await demo.ended, 1);
  assert.match(demo.written.err, /^demo: http:\/\/127\.0\.0\.1:\d+ does not answer\n$/);
});
