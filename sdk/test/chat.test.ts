import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { runProcess, temporaryFolder, type RunningProcess } from "../../test/support/server-process.ts";
import { installBuilt, oldestNode } from "./support/installed.ts";
import { startWorld, waitFor, type OwnWorld } from "./support/world.ts";

const PASSWORD = "lantern-quartz-42";
const MINUTE = 60_000;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let program: string;
/** The tests have people of their own in it. */
let world: OwnWorld;

beforeAll(async () => {
  folder = await temporaryFolder();
  const [installed, started] = await Promise.all([installBuilt(folder.path), startWorld()]);
  program = path.join(installed, "bin/im-chat.js");
  world = started;
}, MINUTE);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Somebody at a terminal of their own. */
interface Person extends RunningProcess {
  type(line: string): void;
  /** Waits until this was written behind what was waited for before, and answers that line. */
  sees(what: RegExp): Promise<string>;
}

function sit(...args: readonly string[]): Person {
  const running = runProcess([program, "--data", path.join(folder.path, "data"), ...args], {}, oldestNode);
  onTestFinished(() => running[Symbol.asyncDispose]());
  let seen = 0;
  return {
    ...running,
    type: (line) => void running.child.stdin.write(`${line}\n`),
    async sees(what) {
      const lines = (): string[] => running.written.out.split("\n");
      const find = (): number => lines().findIndex((line, index) => index >= seen && what.test(line));
      await waitFor(() => find() >= 0, String(what), 40_000).catch((error: unknown) => {
        throw new Error(`${(error as Error).message} in:\n${running.written.out}${running.written.err}`);
      });
      const at = find();
      seen = at + 1;
      return lines()[at]!;
    },
  };
}

/** New people who are friends, with their terminals. */
async function twoFriends(url: string, [a, b]: readonly [string, string]): Promise<[Person, Person]> {
  const [ann, ben] = [sit("--url", url, "--user", a, "--sign-up"), sit("--url", url, "--user", b, "--sign-up")];
  for (const person of [ann, ben]) person.type(PASSWORD);
  await Promise.all([ann, ben].map((person) => person.sees(/^-- online$/)));
  ann.type(`/add ${b} it is me`);
  await ben.sees(/requests may have changed/);
  ben.type("/requests");
  await ben.sees(new RegExp(`^ {2}${a} \\(${a}\\): it is me$`));
  ben.type(`/requests accept ${a}`);
  await ben.sees(new RegExp(`^-- accepted ${a}$`));
  await ann.sees(new RegExp(`^-- ${b} is a friend now: /open ${b}$`));
  ann.type(`/open ${b}`);
  await ann.sees(/^-- nothing was said yet$/);
  return [ann, ben];
}

test("two people meet, write, change what they wrote, and see how far it came", { timeout: MINUTE }, async () => {
  const [ann, ben] = await twoFriends(world.url, ["ann", "ben"]);
  ann.type("hello");
  await ann.sees(/^#1 \d\d:\d\d you: hello \[sent\]$/);
  await ben.sees(/^-- new: ann: hello$/);
  ben.type("/list");
  await ben.sees(/^ {2}1 {2}ann \(1 new\) {2}ann: hello$/);
  ben.type("/open 1");
  await ben.sees(/^#1 \d\d:\d\d ann: hello$/);
  await ann.sees(/^#1 \[read\]$/);

  ann.type("/edit hello Ben");
  await ben.sees(/^#1 .* ann: hello Ben \(edited\)$/);
  ben.type("/react 👍");
  await ann.sees(/^#1 .* you: hello Ben \(edited\) \{ 👍 \} \[read\]$/);
  ben.type("//not a command");
  await ann.sees(/^#2 .* ben: \/not a command$/);
  await ben.sees(/^#2 .* you: \/not a command/); // he has its number only with the answer, which may come later than the message
  ben.type("/recall #2");
  await ann.sees(/^#2 .* ben: \(recalled\)$/);
  ann.type("/recall #2");
  await ann.sees(/^! there is no #2 here/);
  ann.type("/nonsense");
  await ann.sees(/^! there is no command \/nonsense: \/help$/);
  ann.type("/friends");
  await ann.sees(/^ {2}ben \(ben\)$/);
  ann.type("/quit");
  expect([await ann.ended, ann.written.err]).toEqual([0, ""]);
  expect(ann.written.out).not.toContain("-- offline");
});

test("what is written while the server is away waits for it, also over another sitting", { timeout: 2 * MINUTE }, async () => {
  const [ann, ben] = await twoFriends(world.url, ["anna", "benno"]);
  ben.type("/open anna");
  await ben.sees(/^-- anna$/);
  ann.type("before");
  await ben.sees(/^#1 .* anna: before$/);
  await ann.sees(/^#1 .*before/);

  await world.kill();
  await Promise.all([ann, ben].map((person) => person.sees(/^-- offline/)));
  ann.type("meanwhile");
  await ann.sees(/^\d\d:\d\d you: meanwhile \[sending\]$/);
  await world.restart();
  await ann.sees(/^#2 .* you: meanwhile \[sent\]$/);
  await ben.sees(/^#2 .* anna: meanwhile$/);

  await world.kill();
  await ann.sees(/^-- offline/);
  ann.type("/quit");
  expect(await ann.ended).toBe(0);
  const offline = sit("--url", world.url, "--user", "anna");
  await offline.sees(/^ {2}1 {2}benno {2}you: meanwhile \[(sent|delivered|read)\]$/);
  offline.type("/open benno");
  await offline.sees(/^#2 .* you: meanwhile/);
  offline.type("from the next sitting");
  await offline.sees(/you: from the next sitting \[sending\]$/);
  offline.child.stdin.end();
  expect([await offline.ended, offline.written.err]).toEqual([0, ""]);

  await world.restart();
  const later = sit("--url", world.url, "--user", "anna");
  await later.sees(/^-- online$/);
  await ben.sees(/^#3 .* anna: from the next sitting$/);
  expect(ben.written.out.match(/from the next sitting/g)).toHaveLength(1);
});

test("older messages come on demand", { timeout: MINUTE }, async () => {
  const [ann, ben] = await twoFriends(world.url, ["amy", "bob"]);
  for (let i = 1; i <= 60; i++) ann.type(`number ${i}`);
  await ann.sees(/^#60 .* you: number 60 \[sent\]/);
  await ben.sees(/^-- new: amy: number 60$/);
  ben.type("/open amy");
  await ben.sees(/^-- amy$/);
  expect(await ben.sees(/^#/)).toMatch(/^#11 .* amy: number 11$/);
  await ben.sees(/^-- \/older shows what was before$/);
  ben.type("/older");
  await ben.sees(/^-- before, from #1$/);
  await ben.sees(/^#3 .* amy: number 3$/);
  await ben.sees(/^-- end of what was before$/);
  ben.type("/older");
  await ben.sees(/^-- that is the beginning$/);
});

test("a script says what it has to say and ends", { timeout: MINUTE }, async () => {
  const [, ben] = await twoFriends(world.url, ["ada", "bea"]);
  const passwordFile = path.join(folder.path, "password");
  await writeFile(passwordFile, `${PASSWORD}\n`);
  const other = ["--data", path.join(folder.path, "other"), "--url", world.url, "--user", "ada", "--password-file", passwordFile];
  const script = sit(...other);
  script.child.stdin.end("/open bea\nfrom a script\n");
  expect([await script.ended, script.written.err]).toEqual([0, ""]);
  expect(script.written.out).toMatch(/^#1 .* you: from a script \[sent\]$/m);
  await ben.sees(/^-- new: ada: from a script$/);
});

test("what keeps it from starting is said in a line", { timeout: MINUTE }, async () => {
  const passwordFile = path.join(folder.path, "wrong");
  await writeFile(passwordFile, "wrong\n");
  const nobody = sit("--url", world.url, "--user", "nobody", "--password-file", passwordFile);
  expect([await nobody.ended, nobody.written.out]).toEqual([1, expect.stringMatching(/^im-chat: .*password.*\n$/)]);

  const first = sit("--url", world.url, "--user", "carol", "--sign-up");
  first.type(PASSWORD);
  await first.sees(/^-- online$/);
  const second = sit("--url", world.url, "--user", "carol");
  expect([await second.ended, second.written.out]).toEqual([
    1,
    expect.stringMatching(/^im-chat: the store is in use by process/),
  ]);

  const usage = sit("--colour");
  expect([await usage.ended, usage.written.err]).toEqual([2, expect.stringMatching(/^im-chat: .*--colour.*\n?Usage:/)]);
  const help = sit("--help");
  expect([await help.ended, help.written.out]).toEqual([0, expect.stringMatching(/^Usage: im-chat/)]);
});

test("a session that ends elsewhere ends here, and says why", { timeout: MINUTE }, async () => {
  const person = sit("--url", world.url, "--user", "dora", "--sign-up");
  person.type(PASSWORD);
  await person.sees(/^-- online$/);
  const phone = world.client();
  await phone.start();
  await phone.signIn({ username: "dora", password: PASSWORD });
  const { items } = await phone.call("auth.devices");
  const desk = items.find(({ deviceName }) => deviceName === "im-chat");
  await phone.call("auth.endDevice", { deviceId: desk!.deviceId });
  await person.sees(/^-- signed out: /);
  expect(await person.ended).toBe(1);
});
