import type { LocalConversation, LocalMessage } from "../types.ts";

/** How names of people are known where a line is written. */
export interface Names {
  readonly me: string;
  readonly nameOf: (userId: string) => string;
}

/** Control characters, and those that turn the direction of writing: others could steer the terminal with them. */
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Text as a terminal may show it. */
export const plain = (text: string): string => text.replace(/\t/g, "  ").replace(CONTROLS, "\ufffd");

const textIn = (content: LocalMessage["content"], field: string): string => {
  const value = content[field];
  return typeof value === "string" ? value : "";
};

export function titleOf({ type, peer, group }: Pick<LocalConversation, "type" | "peer" | "group">, { nameOf }: Names): string {
  if (type === "group") return group?.name ?? "a group";
  return peer ? nameOf(peer.userId) : "a conversation";
}

/** `  1  Alice (2 new)  hello`. @param number to open it by */
export function conversationLine(conversation: LocalConversation, number: number, names: Names): string {
  const { lastMessage, unread, mentioned, pinned, muted, active, group } = conversation;
  const marks = [
    group && `${group.memberCount} members`,
    unread > 0 && `${unread} new`,
    mentioned && "@you",
    pinned && "pinned",
    muted && "muted",
    !active && "left",
  ].filter((mark) => mark);
  const title = titleOf(conversation, names) + (marks.length > 0 ? ` (${marks.join(", ")})` : "");
  return `${String(number).padStart(3)}  ${title}${lastMessage ? `  ${firstLine(lastMessage, names)}` : ""}`;
}

const MAX_PREVIEW = 60;

/** Who said it and what, on one line. */
export function firstLine(message: LocalMessage, names: Names): string {
  const [line = ""] = `${sayingOf(message, names)}${stateMark(message)}`.split("\n");
  return line.length > MAX_PREVIEW ? `${line.slice(0, MAX_PREVIEW)}…` : line;
}

/** `#12 14:03 Alice: hello`, with its state when it is one's own. */
export function messageLine(message: LocalMessage, names: Names): string {
  const place = message.seq === null ? "" : `#${message.seq} `;
  const quote = message.replyTo ? `[to #${message.replyTo.seq}] ` : "";
  const edited = message.editedAt !== undefined && message.recalledAt === undefined ? " (edited)" : "";
  const reactions = (message.reactions ?? []).map(({ emoji, count }) => ` ${emoji}${count > 1 ? count : ""}`).join("");
  const saying = sayingOf(message, names).replaceAll("\n", "\n    ");
  return `${place}${timeOf(message.createdAt)} ${quote}${saying}${edited}${reactions && ` {${reactions} }`}${stateMark(message)}`;
}

/** Only how far it has come: `#12 [read]`. */
export const stateLine = (message: LocalMessage): string => `#${message.seq}${stateMark(message)}`;

const STATES = { accepted: "sent", persisted: "sent", sending: "sending", delivered: "delivered", read: "read" } as const;

/** What is said of an own message; the two ways of being stored are one to people. */
export function stateMark({ state, failure }: Pick<LocalMessage, "state" | "failure">): string {
  if (state === "received") return "";
  if (state === "failed") return ` [failed: ${failure?.message ?? "not sent"}]`;
  return ` [${STATES[state]}]`;
}

function sayingOf(message: LocalMessage, names: Names): string {
  const { type, senderId } = message;
  if (type === "system") return `* ${systemText(message, names)}`;
  const who = senderId === names.me ? "you" : names.nameOf(senderId);
  return `${who}: ${message.recalledAt === undefined ? bodyOf(message, names) : "(recalled)"}`;
}

function bodyOf({ type, content }: LocalMessage, { nameOf }: Names): string {
  switch (type) {
    case "text":
    case "markdown":
      return textIn(content, "text");
    case "card":
      return `[card: ${nameOf(textIn(content, "userId"))}]`;
    case "location":
    case "forward":
      return `[${type}: ${textIn(content, "title")}]`;
    default:
      return `[${type}]`;
  }
}

/** `Alice: group renamed`, `Alice: member joined: Ben`. */
function systemText({ content }: LocalMessage, { me, nameOf }: Names): string {
  const name = (userId: string): string => (userId === me ? "you" : nameOf(userId));
  const userIds = Array.isArray(content["userIds"]) ? content["userIds"].filter((id) => typeof id === "string") : [];
  const event = textIn(content, "event").replaceAll(".", " ");
  const whom = [...userIds.map(name), textIn(content, "name")].filter((part) => part).join(", ");
  return `${name(textIn(content, "actorId"))}: ${event}${whom && `: ${whom}`}`;
}

function timeOf(at: number): string {
  const date = new Date(at);
  const clock = [date.getHours(), date.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
  const today = new Date();
  if (date.toDateString() === today.toDateString()) return clock;
  return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, "0")}-${String(date.getDate()).padStart(2, "0")} ${clock}`;
}
