import { firstWords } from "./text.ts";
import { textOf, textsOf } from "./said.ts";
import { plainText } from "./plain-text.ts";
import type { LocalMessage } from "@moleculer-im/client";

/** Makes a sentence of a key of the room's words. */
export type Translate = (key: string, named?: Record<string, unknown>) => string;

/** What sentences about messages need to know. */
export interface Words {
  readonly t: Translate;
  readonly me: string;
  readonly nameOf: (userId: string) => string;
}

type Said = Pick<LocalMessage, "type" | "content" | "senderId"> & Partial<Pick<LocalMessage, "recalledAt">>;

const NAMED = 3;
/** Events that say the same of everybody they concern. */
const SYSTEM_EVENTS: Readonly<Record<string, string>> = {
  "group.created": "created",
  "group.renamed": "renamed",
  "group.avatar.changed": "avatar",
  "group.announcement.changed": "announcement",
  "group.settings.changed": "settings",
  "group.muted": "muted",
  "group.unmuted": "unmuted",
  "group.dissolved": "dissolved",
  "group.owner.changed": "owner",
  "member.joined": "joined",
  "member.left": "left",
  "member.removed": "removed",
  "member.role.changed": "role",
  "member.muted": "memberMuted",
  "member.unmuted": "memberUnmuted",
  "message.pinned": "pinned",
};

/** Sentences that begin with those it was done to. */
const BEGIN_WITH_USERS = new Set(["joined", "left", "owner"]);

const who = ({ t, me, nameOf }: Words, userId: string, you = "chat.you"): string => (userId === me ? t(you) : nameOf(userId));

/** "Alice, Bob and 3 others". */
function people(words: Words, userIds: readonly string[], count: number, you: string): string {
  const names = userIds.slice(0, NAMED).map((userId) => who(words, userId, you));
  const listed = names.join(words.t("chat.listSeparator"));
  return count > names.length ? words.t("chat.andOthers", { names: listed, count: count - names.length }) : listed;
}

/** What the server said in a conversation, as a sentence. */
export function systemSentence({ content }: Pick<Said, "content">, words: Words): string {
  const event = textOf(content, "event");
  const actorId = textOf(content, "actorId");
  const all = textsOf(content, "userIds");
  const counted = content["userCount"];
  const others = event === "group.created" ? all.filter((userId) => userId !== actorId) : all;
  const missing = all.length - others.length;
  const count = typeof counted === "number" ? counted - missing : others.length;
  const key = systemKey(event, content, { actorId, others });
  const named = {
    actor: who(words, actorId),
    users: people(words, others, count, BEGIN_WITH_USERS.has(key) ? "chat.you" : "chat.youWithin"),
    name: textOf(content, "name"),
  };
  return words.t(`chat.system.${key}`, named);
}

function systemKey(
  event: string,
  content: Said["content"],
  { actorId, others }: { readonly actorId: string; readonly others: readonly string[] },
): string {
  const key = SYSTEM_EVENTS[event] ?? "unknown";
  if (key === "created") return others.length > 0 ? "createdWith" : "created";
  if (key === "announcement") return textOf(content, "announcement") ? "announcement" : "announcementCleared";
  if (key === "role") return textOf(content, "role") === "admin" ? "roleAdmin" : "roleMember";
  if (key === "joined") return isInvited(actorId, content, others) ? "invited" : "joined";
  return key;
}

/** Somebody brought them in, or let them in; else they came by themselves. */
const isInvited = (actorId: string, content: Said["content"], others: readonly string[]): boolean =>
  !others.includes(actorId) && (textOf(content, "inviterId") === actorId || others.length > 0);

/** A message on one line: its first words, or what it is. Without the name of who sent it. */
export function previewOf(message: Said, words: Words): string {
  const { type, content } = message;
  if (message.recalledAt !== undefined) return recalledSentence(message, words);
  switch (type) {
    case "text":
      return firstWords(textOf(content, "text"));
    case "markdown":
      return firstWords(plainText(textOf(content, "text")));
    case "system":
      return systemSentence(message, words);
    case "card":
      return titled("card", words.nameOf(textOf(content, "userId")), words);
    case "location":
    case "forward":
      return titled(type, firstWords(textOf(content, "title")), words);
    case "file":
      return titled("file", firstWords(textOf(content, "name")), words);
    case "image":
    case "voice":
    case "video":
    case "call":
      return titled(type, "", words);
    case "custom":
      return titled("custom", firstWords(textOf(content, "kind")), words);
    default:
      return titled("unknown", "", words);
  }
}

function titled(type: string, title: string, { t }: Words): string {
  const kind = t(`chat.preview.${type}`);
  return title ? t("chat.preview.titled", { kind, title }) : t("chat.preview.plain", { kind });
}

export const recalledSentence = ({ senderId }: Pick<Said, "senderId">, { t, me, nameOf }: Words): string =>
  senderId === me ? t("chat.recalledByYou") : t("chat.recalledBy", { name: nameOf(senderId) });

/** The line below a conversation's name: in groups with whoever said it. */
export function lastLine(message: LocalMessage, words: Words, isGroup: boolean): string {
  const preview = previewOf(message, words);
  if (message.type === "system" || message.recalledAt !== undefined) return preview;
  if (message.senderId === words.me) return words.t("chat.said", { name: words.t("chat.you"), words: preview });
  return isGroup ? words.t("chat.said", { name: words.nameOf(message.senderId), words: preview }) : preview;
}
