import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { conversationLine, messageLine, plain } from "../src/terminal/lines.ts";
import { readOptions, UsageError } from "../src/terminal/options.ts";
import { Screen } from "../src/terminal/screen.ts";
import type { LocalConversation, LocalMessage } from "../src/types.ts";
import { waitFor } from "./support/world.ts";

const names = { me: "1", nameOf: (userId: string) => ({ "2": "Ben", "3": "Cy" })[userId] ?? `user ${userId}` };
/** Lines of another day have its date. */
const today = new Date(2026, 2, 4);
const at = new Date(2026, 2, 4, 9, 5);
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: today }));
afterEach(() => void vi.useRealTimers());

const message: LocalMessage = {
  key: "2:a",
  messageId: "10",
  seq: 7,
  conversationId: "d_1_2",
  senderId: "2",
  clientMsgId: "a",
  type: "text",
  content: { text: "hello" },
  createdAt: at.getTime(),
  state: "received",
};

test.each<[string, Partial<LocalMessage>, string]>([
  ["of somebody else", {}, "#7 09:05 Ben: hello"],
  ["on its way", { senderId: "1", seq: null, state: "sending" }, "09:05 you: hello [sending]"],
  ["stored", { senderId: "1", state: "persisted" }, "#7 09:05 you: hello [sent]"],
  [
    "refused",
    { senderId: "1", seq: null, state: "failed", failure: { code: 3002, message: "No." } },
    "09:05 you: hello [failed: No.]",
  ],
  ["on two lines", { content: { text: "a\nb" } }, "#7 09:05 Ben: a\n    b"],
  ["edited", { editedAt: 1 }, "#7 09:05 Ben: hello (edited)"],
  ["recalled", { recalledAt: 1, editedAt: 1, content: {} }, "#7 09:05 Ben: (recalled)"],
  ["with reactions", { reactions: [{ emoji: "👍", count: 2, userIds: [] }] }, "#7 09:05 Ben: hello { 👍2 }"],
  [
    "that quotes",
    { replyTo: { messageId: "9", seq: 6, senderId: "1", type: "text", preview: "?" } },
    "#7 09:05 [to #6] Ben: hello",
  ],
  ["with a card", { type: "card", content: { userId: "3" } }, "#7 09:05 Ben: [card: Cy]"],
  ["of a kind that it does not know", { type: "video", content: {} }, "#7 09:05 Ben: [video]"],
  ["of another year", { createdAt: new Date(2020, 0, 2, 3, 4).getTime() }, "#7 2020-01-02 03:04 Ben: hello"],
  [
    "of the server",
    { senderId: "0", type: "system", content: { event: "member.joined", actorId: "2", userIds: ["1", "3"] } },
    "#7 09:05 * Ben: member joined: you, Cy",
  ],
])("a message %s is a line", (_, change, line) => {
  expect(messageLine({ ...message, ...change }, names)).toBe(line);
});

test("what others write cannot steer the terminal", () => {
  expect(plain("a\u001b[2J\u0007\r\u009b1m\u202eb\tc")).toBe("a\ufffd[2J\ufffd\ufffd\ufffd1m\ufffdb  c");
});

test("a conversation says what is new in it", () => {
  const user = {
    userId: "2",
    username: "ben",
    nickname: "Ben",
    avatar: "",
    signature: "",
    gender: "unknown",
    region: "",
  } as const;
  const conversation: LocalConversation = {
    conversationId: "d_1_2",
    type: "direct",
    peer: user,
    lastMessage: { ...message, content: { text: "x".repeat(100) } },
    maxSeq: 7,
    readSeq: 4,
    unread: 3,
    mentioned: true,
    pinned: true,
    muted: false,
    hidden: false,
    draft: "",
    active: false,
  };
  expect(conversationLine(conversation, 2, names)).toBe(`  2  Ben (3 new, @you, pinned, left)  Ben: ${"x".repeat(55)}…`);
});

test("options name the server, the user, and a file of their own", () => {
  const options = readOptions(["--url", "https://im.example.com:8443", "--user", "Ann/..", "--data", "/data"]);
  expect(options).toMatchObject({ url: "https://im.example.com:8443", user: "Ann/..", isSignUp: false });
  expect(options?.storeFile).toBe("/data/im.example.com%3A8443/ann%2F...store");
  expect(readOptions(["--help"])).toBeNull();
  for (const wrong of [[], ["--user"], ["--user", "a", "--url", "nowhere"], ["--user", "a", "--colour"], ["ann"]])
    expect(() => readOptions(wrong)).toThrow(UsageError);
});

/** A terminal of which the test is the keyboard. */
function terminal() {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => input });
  const output = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  let written = "";
  output.setEncoding("utf8").on("data", (text: string) => (written += text));
  return { screen: new Screen({ input: input as never, output: output as never }), input, written: () => written };
}

test("a password is typed unseen, and what comes stands above the line that is typed", async () => {
  const { screen, input, written } = terminal();
  expect(screen.isInteractive).toBe(true);
  const secret = screen.readSecret("Password: ");
  input.write("lantern-quartz\r");
  expect(await secret).toBe("lantern-quartz");
  expect(written()).toContain("Password: ");
  expect(written()).not.toContain("quartz");

  const line = screen.read();
  input.write("hel");
  await waitFor(() => written().includes("hel"), "the keys to show");
  screen.write("Ben: hi\u001b[2J");
  expect(written()).toMatch(/Ben: hi\ufffd\[2J\n.*> .*hel/s);
  input.write("lo\r");
  expect(await line).toBe("hello");
  screen.close();
  expect(await screen.read()).toBeNull();
});
