import { copyFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT, runProcess, temporaryFolder } from "../../test/support/server-process.ts";
import { compile, installBuilt, oldestNode, SDK } from "./support/installed.ts";
import type { ImClient } from "../src/index.ts";
import { allMessages, sharedWorld, waitFor } from "./support/world.ts";

const MINUTE = 60_000;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  await installBuilt(folder.path);
  await copyFile(path.join(SDK, "examples/bot.ts"), path.join(folder.path, "bot.ts"));
  await writeFile(path.join(folder.path, "package.json"), '{ "type": "module" }');
  const compilerOptions = { strict: true, target: "es2023", lib: ["es2023"], module: "nodenext", types: ["node"] };
  const typeRoots = [path.join(ROOT, "node_modules/@types")];
  await writeFile(
    path.join(folder.path, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { ...compilerOptions, typeRoots } }),
  );
  await compile(folder.path, "--skipLibCheck");
}, MINUTE);
afterAll(() => folder[Symbol.asyncDispose]());

test(
  "the bot accepts requests, answers friends and who mentions it, also what came while it was away",
  { timeout: 2 * MINUTE },
  async () => {
    await using world = await sharedWorld();
    const ann = await world.newcomer();
    const ben = await world.newcomer();
    const account = { username: "echo", password: "lantern-quartz-42" };
    const owner = world.client();
    await owner.start();
    const { userId } = await owner.register(account);
    await writeFile(path.join(folder.path, "password"), `${account.password}\n`);
    const start = () => runProcess([path.join(folder.path, "bot.js"), world.url, account.username, folder.path], {}, oldestNode);

    await ann.call("friend.request", { userId });
    let conversationId: string;
    {
      await using bot = start();
      await waitFor(() => ann.friends.length === 1, "the request from before to be accepted", 20_000);
      await ben.call("friend.request", { userId });
      await waitFor(() => ben.friends.length === 1, "the request to be accepted", 20_000);
      ({ conversationId } = await ann.openDirect(userId));
      await ann.send({ conversationId, content: { text: "hello" } });
      await waitFor(async () => (await textsOf(ann, conversationId)).includes("You said: hello"), "its answer", 20_000);
      expect(bot.written.err).toBe("");
    }

    await ann.send({ conversationId, content: { text: "are you there?" } });
    await owner.call("friend.allow", { userId: ann.me!.userId });
    const { group } = await ann.call("group.create", { name: "Bots", memberIds: [userId] });
    await ann.send({ conversationId: group.conversationId, content: { text: "not for it" } });
    await ann.send({ conversationId: group.conversationId, content: { text: "@echo for it" }, mentions: [userId] });
    await using bot = start();
    await waitFor(
      async () => (await textsOf(ann, conversationId)).includes("You said: are you there?"),
      "its late answer",
      20_000,
    );
    await waitFor(
      async () => (await textsOf(ann, group.conversationId)).includes("You said: @echo for it"),
      "its answer in the group",
      20_000,
    );
    expect(await textsOf(ann, group.conversationId)).not.toContain("You said: not for it");
    expect(await textsOf(ann, conversationId)).toEqual([
      "hello",
      "You said: hello",
      "are you there?",
      "You said: are you there?",
    ]);
    expect(bot.written.err).toBe("");
  },
);

const textsOf = async (client: ImClient, conversationId: string): Promise<unknown[]> =>
  (await allMessages(client, conversationId)).map(({ content }) => content["text"]);
