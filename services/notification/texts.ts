import { errorEntry, errorTable } from "../../contracts/errors.ts";
import type { Language } from "../../contracts/meta.ts";

type Data = Readonly<Record<string, unknown>>;
interface Text {
  readonly en: (data: Data) => string;
  readonly zh: (data: Data) => string;
}

/** What a notification says, by its type. Names that are missing leave a sentence that is still right. */
const texts: Readonly<Record<string, Text>> = {
  "friend.request": { en: (data) => `${who(data)} wants to be your friend.`, zh: (data) => `${whoZh(data)}请求添加你为好友。` },
  "friend.accepted": {
    en: (data) => `${who(data)} accepted your friend request.`,
    zh: (data) => `${whoZh(data)}通过了你的好友申请。`,
  },
  "friend.rejected": {
    en: (data) => `${who(data)} declined your friend request.`,
    zh: (data) => `${whoZh(data)}拒绝了你的好友申请。`,
  },
  "group.invitation": {
    en: (data) => `${who(data)} invites you to ${group(data)}.`,
    zh: (data) => `${whoZh(data)}邀请你加入${groupZh(data)}。`,
  },
  "group.invitation.accepted": {
    en: (data) => `${who(data)} accepted your invitation to ${group(data)}.`,
    zh: (data) => `${whoZh(data)}接受了你的邀请，加入了${groupZh(data)}。`,
  },
  "group.invitation.rejected": {
    en: (data) => `${who(data)} declined your invitation to ${group(data)}.`,
    zh: (data) => `${whoZh(data)}拒绝了加入${groupZh(data)}的邀请。`,
  },
  "group.join.request": {
    en: (data) => `${who(data)} asks to join ${group(data)}.`,
    zh: (data) => `${whoZh(data)}申请加入${groupZh(data)}。`,
  },
  "group.join.accepted": {
    en: (data) => `Your request to join ${group(data)} was accepted.`,
    zh: (data) => `你加入${groupZh(data)}的申请已通过。`,
  },
  "group.join.rejected": {
    en: (data) => `Your request to join ${group(data)} was declined.`,
    zh: (data) => `你加入${groupZh(data)}的申请被拒绝。`,
  },
  "group.added": {
    en: (data) => `${who(data)} added you to ${group(data)}.`,
    zh: (data) => `${whoZh(data)}将你加入了${groupZh(data)}。`,
  },
  "group.announcement": {
    en: (data) => `${who(data)} posted an announcement in ${group(data)}.`,
    zh: (data) => `${whoZh(data)}在${groupZh(data)}发布了公告。`,
  },
  "group.removed": {
    en: (data) => `${who(data)} removed you from ${group(data)}.`,
    zh: (data) => `${whoZh(data)}将你移出了${groupZh(data)}。`,
  },
  "group.dissolved": {
    en: (data) => `${who(data)} dissolved ${group(data)}.`,
    zh: (data) => `${whoZh(data)}解散了${groupZh(data)}。`,
  },
  "group.role.changed": {
    en: (data) =>
      data["role"] === "admin" ? `You are now an admin of ${group(data)}.` : `You are no longer an admin of ${group(data)}.`,
    zh: (data) => (data["role"] === "admin" ? `你已成为${groupZh(data)}的管理员。` : `你不再是${groupZh(data)}的管理员。`),
  },
  "group.owner.changed": {
    en: (data) => `You are now the owner of ${group(data)}.`,
    zh: (data) => `你已成为${groupZh(data)}的群主。`,
  },
  "group.muted": {
    en: (data) => (isMuted(data) ? `You are muted in ${group(data)}.` : `You are no longer muted in ${group(data)}.`),
    zh: (data) => (isMuted(data) ? `你在${groupZh(data)}被禁言。` : `你在${groupZh(data)}的禁言已解除。`),
  },
  "device.new": {
    en: (data) => `Your account was used to sign in on a new device (${device(data).en}).`,
    zh: (data) => `你的账号在新设备（${device(data).zh}）上登录。`,
  },
  "message.schedule.failed": {
    en: (data) => `Your scheduled message was not sent: ${refusal(data, "en")}`,
    zh: (data) => `你的定时消息未能发送：${refusal(data, "zh")}`,
  },
  "system.notice": { en: (data) => notice(data, "en"), zh: (data) => notice(data, "zh") },
};

const unknown: Text = { en: () => "You have a new notification.", zh: () => "你有一条新通知。" };

export function renderText(type: string, data: Data, language: Language): string {
  const text = Object.hasOwn(texts, type) ? texts[type] : undefined;
  return (text ?? unknown)[language](data);
}

const who = (data: Data): string => fieldOf(data["fromUser"], "nickname") ?? "Someone";
const whoZh = (data: Data): string => fieldOf(data["fromUser"], "nickname") ?? "有人";

function group(data: Data): string {
  const name = fieldOf(data["group"], "name");
  return name === null ? "a group" : `the group "${name}"`;
}

function groupZh(data: Data): string {
  const name = fieldOf(data["group"], "name");
  return name === null ? "一个群" : `群“${name}”`;
}

const devices: Readonly<Record<string, Readonly<Record<Language, string>>>> = {
  web: { en: "browser", zh: "浏览器" },
  ios: { en: "iOS", zh: "iOS" },
  android: { en: "Android", zh: "安卓" },
  desktop: { en: "desktop", zh: "桌面端" },
  bot: { en: "bot", zh: "机器人" },
};

function device({ deviceType }: Data): Readonly<Record<Language, string>> {
  const known = typeof deviceType === "string" && Object.hasOwn(devices, deviceType) ? devices[deviceType] : undefined;
  return known ?? { en: "unknown", zh: "未知" };
}

const refusal = ({ reason }: Data, language: Language): string => (errorEntry(reason) ?? errorTable.INTERNAL)[language];

const isMuted = (data: Data): boolean => typeof data["mutedUntil"] === "number";

/** `text` is a sentence, or one for each language. */
function notice(data: Data, language: Language): string {
  const { text } = data;
  return typeof text === "string" ? text : (fieldOf(text, language) ?? unknown[language](data));
}

function fieldOf(value: unknown, name: string): string | null {
  if (typeof value !== "object" || value === null) return null;
  const field = (value as Record<string, unknown>)[name];
  return typeof field === "string" && field !== "" ? field : null;
}
