import assert from "node:assert/strict";
import { test } from "node:test";
import { RestClient } from "../../scripts/rest-client.ts";
import { startServer, temporaryFolder, type RunningServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait.ts";

/** Types a line into the console and waits for what it answers. */
async function type(server: RunningServer, line: string, answer: RegExp): Promise<RegExpMatchArray> {
  const before = server.written.out.length;
  server.child.stdin.write(`${line}\n`);
  return waitFor(() => server.written.out.slice(before).match(answer), `${line} to answer ${String(answer)}`);
}

test("the console answers about users, messages and the pipeline, with ids of all their digits", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ IM_DATA_DIR: folder.path, HOME: folder.path }, ["--repl"]);
  await waitFor(() => server.written.out.includes("im $"), "the prompt");
  const account = { username: "operated", password: "lantern-quartz-42" };
  const nobody = new RestClient(server.url);
  await nobody.post("/users/register", account);
  const { accessToken, user } = await nobody.post<{ accessToken: string; user: { userId: string } }>("/users/login", {
    ...account,
    deviceId: "phone",
  });
  const me = nobody.as(accessToken);
  const { group } = await me.post<{ group: { conversationId: string } }>("/social/groups", { name: "One" });
  const message = { conversationId: group.conversationId, clientMsgId: "m-1", type: "text", content: { text: "hello" } };
  const { messageId } = await me.post<{ messageId: string }>("/messages", message);
  assert.ok(Number(messageId) > Number.MAX_SAFE_INTEGER);

  await type(server, "im", /im explain <messageId>/);
  await type(server, "im pipeline", /persisted since the start +2/);
  await type(server, `im presence ${user.userId}`, new RegExp(`operated \\(${user.userId}\\) is offline`));
  await type(server, "im presence operated", new RegExp(`operated \\(${user.userId}\\) is offline`));
  await type(server, `im explain ${messageId}`, new RegExp(`message +${messageId}\\n`));
  await type(server, "im redrive", /messages driven again: 0/);
  await type(server, 'im broadcast "The server rests" --zh "服务器维护" --to operated', /to 1 user has begun/);
  type Listed = { items: { text: string; data: { text?: unknown } }[] };
  const newest = async () => (await me.get<Listed>("/notifications")).items[0];
  await waitFor(async () => (await newest())?.text === "The server rests", "the broadcast");
  assert.deepEqual((await newest())?.data.text, { en: "The server rests", zh: "服务器维护" });
  await type(server, "im broadcasts", /done +1 +1 +1 .* The server rests/);
  await type(server, "im presence nobody", /im presence: There is no user "nobody"\./);
  await type(server, "im kick operated phone", /on phone: 1 session ended, 0 connections closed/);
  await assert.rejects(me.get("/users/me"), { code: 1004 });

  server.child.stdin.end();
  assert.equal(await server.ended, 0);
});
