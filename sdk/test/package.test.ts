import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT, runProcess, temporaryFolder } from "../../test/support/server-process.ts";
import { compile, installPacked, oldestNode } from "./support/installed.ts";
import { sharedWorld } from "./support/world.ts";

const MINUTE = 60_000;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let installed: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  installed = await installPacked(folder.path);
}, 3 * MINUTE);
afterAll(() => folder[Symbol.asyncDispose]());

const inFolder = (name: string): string => path.join(folder.path, name);
const filesIn = (place: string): Promise<string[]> => readdir(place, { recursive: true });

/** What a careful project asks of the declarations that it uses, with no types but those of the language. */
const STRICT = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false, types: [] };
const PLAIN = { ...STRICT, target: "es2022", lib: ["es2022"], module: "nodenext", outDir: "out" };

const CONSUMER = `
import { createClient, ImError, type Group, type LocalMessage, type Params, type Store } from "@moleculer-im/client";
import { fileStore } from "@moleculer-im/client/node";

declare const process: { argv: string[]; stdout: { write(text: string): void } };

const [url = "", file = ""] = process.argv.slice(2);
const store: Store = fileStore(file);
const im = createClient({ url, store, deviceType: "bot", deviceName: "consumer" });
await im.start();
const me = await im.register({ username: "consumer", password: "lantern-quartz-42" });
const params: Params<"group.create"> = { name: "Readers", memberIds: [], joinMode: "open" };
const { group, joined }: { group: Group; joined: string[] } = await im.call("group.create", params);
const sent: LocalMessage = await im.send({ conversationId: group.conversationId, content: { text: "hello" } });
const page = await im.call("message.history", { conversationId: group.conversationId });
const first = page.items[0];
const seen: string = first === undefined ? "nothing" : first.type === "void" ? "a gap" : first.senderId;
const error = await im.call("friend.remove", { userId: me.userId }).catch((reason: unknown) => reason);
const code: number = error instanceof ImError ? error.code : -1;
im.on("typing", ({ userId, kind }) => { const text: "text" | "voice" | "none" = kind; void [userId, text]; });

// @ts-expect-error a group has a name
void (() => im.call("group.create", {}));
// @ts-expect-error no such way to join
void (() => im.call("group.create", { name: "Readers", joinMode: "closed" }));
// @ts-expect-error fields that are not known are refused
void (() => im.call("group.create", { name: "Readers", colour: "red" }));
// @ts-expect-error the server alone calls it
void (() => im.call("group.memberStates", { groupId: "1" }));
// @ts-expect-error it needs to know which
void (() => im.call("message.history"));
// @ts-expect-error that is the SDK's own to say
void (() => im.send({ conversationId: "", content: {}, clientMsgId: "mine" }));
// @ts-expect-error no such event
im.on("message:new", () => undefined);
// @ts-expect-error events have types
im.on("friends", (friends: string) => void friends);
// @ts-expect-error what comes from the SDK is not changed
im.conversations.push();

process.stdout.write(JSON.stringify({ joined, state: sent.state, seen, code, isMine: sent.senderId === me.userId }));
await im.stop();
`;

test("the package holds what it promises and nothing of the sources", async () => {
  const files = await filesIn(installed);
  const manifest = JSON.parse(await readFile(path.join(installed, "package.json"), "utf8")) as Record<string, object>;
  expect(Object.keys(manifest["dependencies"] ?? {})).toEqual(["socket.io-client"]);
  expect(manifest).not.toHaveProperty("devDependencies");
  const { version } = JSON.parse(await readFile(path.join(ROOT, "package.json"), "utf8")) as { version: string };
  expect(manifest["version"]).toBe(version);
  expect(files).toEqual(expect.arrayContaining(["README.md", "LICENSE", "bin/im-chat.js", "dist/index.js", "dist/node.d.ts"]));
  expect(files.filter((file) => /\.ts$/.test(file) && !/\.d\.ts$/.test(file) && !file.startsWith("examples"))).toEqual([]);
});

test(
  "a strict project compiles against the declarations, and what it compiled runs on the oldest Node",
  { timeout: 2 * MINUTE },
  async () => {
    await writeFile(inFolder("consumer.mts"), CONSUMER);
    await writeFile(inFolder("tsconfig.json"), JSON.stringify({ compilerOptions: PLAIN, files: ["consumer.mts"] }));
    await compile(folder.path);

    await using world = await sharedWorld();
    const args = [inFolder("out/consumer.mjs"), world.url, inFolder("data/consumer.store")];
    await using consumer = runProcess(args, {}, oldestNode);
    expect([await consumer.ended, consumer.written.err]).toEqual([0, ""]);
    expect(JSON.parse(consumer.written.out)).toEqual({ joined: [], state: "sending", seen: "0", code: 2005, isMine: true });
  },
);

const SAME = `
import type * as Made from "@moleculer-im/client";
import type * as Source from "SOURCE/contracts/index.ts";
import type * as SourceEntities from "SOURCE/contracts/entities.ts";
import type { RestAction } from "SOURCE/contracts/routes.ts";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Both<A extends RestAction & Made.RestAction> = [
  Same<Made.Params<A>, Source.Params<A>>,
  Same<Made.Result<A>, Source.Result<A>>,
];
type Different = { [A in RestAction]: Both<A> extends [true, true] ? never : A }[RestAction];
export const actions: [Same<Made.RestAction, RestAction>, Different] extends [true, never] ? true : Different = true;

export const entities: [
  Same<Made.Message, SourceEntities.Message>,
  Same<Made.Conversation, SourceEntities.Conversation>,
  Same<Made.Friend, SourceEntities.Friend>,
  Same<Made.Group, SourceEntities.Group>,
  Same<Made.Notification, SourceEntities.Notification>,
  Same<Made.Presence, SourceEntities.Presence>,
  Same<Made.OwnUser, SourceEntities.OwnUser>,
  Same<Made.HistoryItem, SourceEntities.HistoryItem>,
] = [true, true, true, true, true, true, true, true];
// @ts-expect-error it tells what differs
export const control: Same<Made.Message, SourceEntities.Friend> = true;
`;

test("params, results and entities are those of the contracts", { timeout: 2 * MINUTE }, async () => {
  await writeFile(inFolder("same.mts"), SAME.replaceAll("SOURCE", ROOT));
  const inSources = { skipLibCheck: true, lib: ["esnext"], noEmit: true, allowImportingTsExtensions: true, rootDir: "/" };
  const compilerOptions = { ...PLAIN, ...inSources, outDir: undefined };
  await writeFile(inFolder("tsconfig.json"), JSON.stringify({ compilerOptions, files: ["same.mts"] }));
  await compile(folder.path);
});

test("a page can be bundled with it: nothing of Node, nothing of the schemas", { timeout: MINUTE }, async () => {
  await writeFile(inFolder("page.js"), 'import { createClient } from "@moleculer-im/client"; globalThis.im = createClient();');
  const warnings: string[] = [];
  const result = await build({
    root: folder.path,
    configFile: false,
    logLevel: "silent",
    build: {
      write: false,
      minify: false,
      rolldownOptions: { input: inFolder("page.js"), onwarn: ({ message }) => warnings.push(message) },
    },
  });
  const outputs = [result].flat().flatMap((one) => ("output" in one ? one.output : []));
  const code = outputs.map((one) => (one.type === "chunk" ? one.code : "")).join("");
  expect(warnings).toEqual([]);
  expect(code).not.toMatch(/__vite-browser-external|from\s*"node:|require\(|typebox/);
  expect(code).toContain("/messages/conversations/{conversationId}/history");
});
