import type { LocalMessage } from "../types.ts";
import { CommandError, type Chat } from "./chat.ts";
import { titleOf } from "./lines.ts";

interface Command {
  /** What may follow its name. */
  readonly takes: string;
  readonly does: string;
  run(chat: Chat, rest: string): Promise<void> | void;
}

const commands: Readonly<Record<string, Command>> = {
  list: { takes: "", does: "your conversations", run: (chat) => chat.list() },
  open: { takes: "NUMBER | NAME", does: "one of them, a group or a friend", run: (chat, which) => chat.open(needed(which)) },
  older: { takes: "", does: "what was said before", run: (chat) => older(chat) },
  edit: { takes: "[#N] TEXT", does: "changes your last message, or number N", run: edit },
  recall: { takes: "[#N]", does: "takes your last message back", run: recall },
  react: { takes: "[#N] EMOJI", does: "reacts to the last message; the same again takes it back", run: react },
  retry: { takes: "", does: "sends again what failed here", run: (chat) => onFailed(chat, (id) => chat.im.retry(id)) },
  discard: { takes: "", does: "forgets what failed here", run: (chat) => onFailed(chat, (id) => chat.im.discard(id)) },
  friends: { takes: "", does: "your friends", run: friends },
  add: { takes: "NAME [NOTE]", does: "asks somebody to be friends", run: add },
  requests: { takes: "[accept | reject NAME]", does: "friend requests to you", run: requests },
  groups: { takes: "", does: "your groups", run: groups },
  help: { takes: "", does: "this list", run: help },
};

/** Does what one typed line says. @returns false when it was the last one  @throws CommandError, ImError */
export async function runLine(chat: Chat, line: string): Promise<boolean> {
  if (!line.startsWith("/") || line.startsWith("//")) {
    const text = line.startsWith("//") ? line.slice(1) : line;
    if (text.trim() !== "") await chat.im.send({ conversationId: chat.current.conversationId, content: { text } });
    return true;
  }
  const [, name = "", rest = ""] = /^\/(\S*)\s*(.*)$/s.exec(line) ?? [];
  if (name === "quit") return false;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) throw new CommandError(`there is no command /${name}: /help`);
  await command.run(chat, rest.trim());
  return true;
}

function needed(text: string): string {
  if (text === "") throw new CommandError("something is missing: /help");
  return text;
}

/** `#12 rest`. */
function splitNumber(text: string): { seq: number | null; rest: string } {
  const [, number, rest = ""] = /^#(\d+)\s*(.*)$/s.exec(text) ?? [];
  return number === undefined ? { seq: null, rest: text } : { seq: Number(number), rest };
}

/** What the server has of a message that suits. */
function found(chat: Chat, seq: number | null, suits: (message: LocalMessage) => boolean): LocalMessage & { messageId: string } {
  const message = chat.current.transcript.find(seq, (one) => one.messageId !== null && suits(one));
  if (!message?.messageId)
    throw new CommandError(
      seq === null ? "there is no such message here" : `there is no #${seq} here with which that can be done`,
    );
  return { ...message, messageId: message.messageId };
}

const isMine = ({ senderId, recalledAt }: LocalMessage, chat: Chat): boolean =>
  senderId === chat.names.me && recalledAt === undefined;

async function older(chat: Chat): Promise<void> {
  const { window } = chat.current;
  if (!window.hasOlder) return chat.write("-- that is the beginning");
  await window.loadOlder();
}

async function edit(chat: Chat, text: string): Promise<void> {
  const { seq, rest } = splitNumber(text);
  const { messageId } = found(chat, seq, (message) => isMine(message, chat));
  await chat.im.edit(messageId, needed(rest));
}

async function recall(chat: Chat, text: string): Promise<void> {
  const { messageId } = found(chat, splitNumber(text).seq, (message) => isMine(message, chat));
  await chat.im.recall(messageId);
}

async function react(chat: Chat, text: string): Promise<void> {
  const { seq, rest } = splitNumber(text);
  const emoji = needed(rest);
  const { messageId, reactions = [] } = found(chat, seq, ({ type, recalledAt }) => type !== "system" && recalledAt === undefined);
  await chat.im.react(
    messageId,
    emoji,
    reactions.some((one) => one.emoji === emoji && one.mine === true),
  );
}

async function onFailed(chat: Chat, work: (clientMsgId: string) => Promise<void>): Promise<void> {
  const failed = chat.current.window.items.filter(({ state }) => state === "failed");
  if (failed.length === 0) chat.write("-- nothing failed here");
  for (const { clientMsgId } of failed) await work(clientMsgId);
}

function friends({ im, write }: Chat): void {
  if (im.friends.length === 0) write("-- no friends yet: /add NAME");
  for (const { user, remark } of im.friends) write(`  ${remark || user.nickname} (${user.username})`);
}

async function add(chat: Chat, text: string): Promise<void> {
  const [name = "", ...note] = needed(text).split(/\s+/);
  const { items } = await chat.im.call("user.search", { keyword: name });
  const user = items.find(({ username }) => username.toLowerCase() === name.toLowerCase());
  if (!user) throw new CommandError(`there is nobody called ${name}`);
  const message = note.join(" ");
  await chat.im.call("friend.request", { userId: user.userId, ...(message && { message }) });
  chat.write(`-- asked ${user.nickname}`);
}

async function requests(chat: Chat, text: string): Promise<void> {
  const { items } = await chat.im.call("friend.requests", { direction: "in", limit: 100 });
  const waiting = items.filter(({ status }) => status === "pending");
  if (text === "") {
    if (waiting.length === 0) chat.write("-- no requests");
    for (const { from, message } of waiting) chat.write(`  ${from.nickname} (${from.username})${message && `: ${message}`}`);
    return;
  }
  const [action = "", name = ""] = text.split(/\s+/);
  if (action !== "accept" && action !== "reject") throw new CommandError("/requests accept NAME, or /requests reject NAME");
  const chosen = waiting.find(({ from }) => name === "" || from.username.toLowerCase() === name.toLowerCase());
  if (!chosen) throw new CommandError("there is no such request: /requests");
  await chat.im.call("friend.handleRequest", { requestId: chosen.requestId, action });
  chat.write(`-- ${action}ed ${chosen.from.nickname}`);
}

function groups(chat: Chat): void {
  if (chat.im.groups.length === 0) chat.write("-- no groups yet");
  for (const group of chat.im.groups) {
    const conversation = chat.im.conversation(group.conversationId);
    const name = conversation ? titleOf(conversation, chat.names) : group.name;
    chat.write(`  ${name} (${group.memberCount} members, you are ${group.myRole})`);
  }
}

function help(chat: Chat): void {
  chat.write("  TEXT  says it in the open conversation (// for a text that begins with /)");
  for (const [name, { takes, does }] of Object.entries(commands)) chat.write(`  /${name}${takes && ` ${takes}`}  ${does}`);
  chat.write("  /quit  leaves; you stay signed in");
}
