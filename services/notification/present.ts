import type { Notification } from "../../contracts/entities.ts";
import type { Language } from "../../contracts/meta.ts";
import { chunksOf } from "../../lib/page.ts";
import { call, type Calls } from "../../lib/service.ts";
import type { Database } from "../../mixins/database/index.ts";
import { wordsOf, type Words } from "./broadcast/repository.ts";
import type { StoredNotification } from "./repository.ts";
import { renderText } from "./texts.ts";

const MAX_IDS_IN_CALL = 5_000;

type Nicknames = ReadonlyMap<string, string>;

/**
 * Makes of what is stored what a client sees: the person behind it by the name they have now, the text in a language.
 * Names are not stored, so that a deleted account leaves none behind.
 */
export async function presentNotifications(
  { sql, calls }: { readonly sql: Database; readonly calls: Calls },
  notifications: readonly StoredNotification[],
  languageOf: (userId: string) => Language,
): Promise<Notification[]> {
  const [nicknames, words] = await Promise.all([nicknamesOf(calls, notifications), wordsOf(sql, broadcastsOf(notifications))]);
  return notifications.map((notification) => {
    const data = withUser(withWords(notification.data, words), nicknames);
    return present(notification, data, languageOf(notification.userId));
  });
}

function present(
  { notificationId, type, readAt, createdAt }: StoredNotification,
  data: Record<string, unknown>,
  language: Language,
): Notification {
  return { notificationId, type, text: renderText(type, data, language), data, read: readAt !== null, createdAt };
}

const broadcastsOf = (notifications: readonly StoredNotification[]): string[] => [
  ...new Set(notifications.map(({ data }) => data["broadcastId"]).filter((id) => typeof id === "string")),
];

/** What a broadcast says stands once, with the broadcast. */
function withWords(data: StoredNotification["data"], words: ReadonlyMap<string, Words>): StoredNotification["data"] {
  const said = typeof data["broadcastId"] === "string" ? words.get(data["broadcastId"]) : undefined;
  return said ? { ...said.data, ...data, text: said.text } : data;
}

function withUser({ fromUserId, ...data }: StoredNotification["data"], nicknames: Nicknames): Record<string, unknown> {
  if (typeof fromUserId !== "string") return data;
  return { ...data, fromUser: { userId: fromUserId, nickname: nicknames.get(fromUserId) ?? "" } };
}

async function nicknamesOf(calls: Calls, notifications: readonly StoredNotification[]): Promise<Nicknames> {
  const userIds = new Set(notifications.map(({ data }) => data["fromUserId"]).filter((id) => typeof id === "string"));
  const nicknames = new Map<string, string>();
  for (const chunk of chunksOf([...userIds], MAX_IDS_IN_CALL)) {
    for (const { userId, nickname } of await call(calls, "user.getMany", { userIds: chunk })) nicknames.set(userId, nickname);
  }
  return nicknames;
}

/** The languages these users have chosen; English while their settings cannot be read. */
export async function languagesOf(calls: Calls, userIds: readonly string[]): Promise<(userId: string) => Language> {
  try {
    const settings = await call(calls, "settings.of", { userIds: [...userIds] });
    return (userId) => settings[userId]?.language ?? "en";
  } catch {
    return () => "en";
  }
}
