import type { LocalMessage } from "@moleculer-im/client";
import { h, type VNode } from "vue";
import UserAvatar from "../../ui/UserAvatar.vue";
import { ChatIcon, type IconName } from "../ChatIcon.ts";
import type { ChatContext } from "../context.ts";
import { forwardedCount, numberOf, snapshotsOf, textOf, type Snapshot } from "../said.ts";
import { previewOf, type Words } from "../sentences.ts";
import { firstWords } from "../text.ts";
import { duration } from "../../ui/time.ts";
import { fileSize } from "./file-size.ts";

type Content = LocalMessage["content"];
type Inside = Pick<ChatContext, "t" | "me" | "nameOf" | "avatarOf" | "showContact" | "showForward">;

const FORWARDED_LINES = 4;

/** A picture beside a title and one more line. */
function tile(icon: VNode, title: string, line: string): VNode[] {
  return [
    h("span", { class: "m-tile-icon" }, [icon]),
    h("span", { class: "m-tile-words" }, [
      h("span", { class: "m-tile-title" }, title),
      line === "" ? null : h("span", { class: "m-tile-line" }, line),
    ]),
  ];
}

const iconTile = (name: IconName, title: string, line: string): VNode =>
  h("div", { class: "m-tile" }, tile(h(ChatIcon, { name, size: 24 }), title, line));

export function locationBody(content: Content, { t }: Inside): VNode {
  const [latitude, longitude] = [numberOf(content, "latitude"), numberOf(content, "longitude")];
  const place = latitude === null || longitude === null ? "" : `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`;
  const title = textOf(content, "title") || t("chat.body.location");
  const shown = iconTile("place", title, textOf(content, "address") || place);
  if (place === "") return shown;
  const href = `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`;
  return h("div", [
    shown,
    h("a", { class: "m-tile-foot", href, rel: "noopener noreferrer", target: "_blank" }, t("chat.body.openMap")),
  ]);
}

export function cardBody(content: Content, chat: Inside): VNode {
  const userId = textOf(content, "userId");
  const name = chat.nameOf(userId);
  const label = chat.t("chat.body.openCard", { name });
  const avatar = h(UserAvatar, { id: userId, name, src: chat.avatarOf(userId), size: 40 });
  return h(
    "button",
    { type: "button", class: "m-tile m-tile-button", "aria-label": label, onClick: () => chat.showContact(userId) },
    tile(avatar, name, chat.t("chat.body.card")),
  );
}

/** "Alice: Hello", one of the lines of a merged forward. */
export const snapshotLine = (snapshot: Snapshot, words: Words): string =>
  words.t("chat.said", { name: snapshot.senderName || words.nameOf(snapshot.senderId), words: previewOf(snapshot, words) });

export function forwardBody(content: Content, chat: Inside): VNode {
  const title = textOf(content, "title") || chat.t("chat.preview.forward");
  const lines = snapshotsOf(content)
    .slice(0, FORWARDED_LINES)
    .map((snapshot) => h("span", { class: "m-tile-line" }, firstWords(snapshotLine(snapshot, chat), 60)));
  return h("button", { type: "button", class: "m-forward", onClick: () => chat.showForward(content) }, [
    h("span", { class: "m-tile-title" }, title),
    ...lines,
    h("span", { class: "m-tile-foot" }, chat.t("chat.body.forwardCount", { count: forwardedCount(content) })),
  ]);
}

const sized = (content: Content, t: Inside["t"]): string => {
  const size = numberOf(content, "size");
  return size === null ? t("chat.body.fileHint") : `${fileSize(size)} · ${t("chat.body.fileHint")}`;
};

function callBody(content: Content, { t }: Inside): VNode {
  const kind = textOf(content, "kind");
  const titles: Readonly<Record<string, string>> = { voice: "chat.body.callVoice", video: "chat.body.callVideo" };
  const span = numberOf(content, "durationMs");
  const line = span ? t("chat.body.callEnded", { span: duration(span) }) : t("chat.body.callMissed");
  return iconTile(kind === "video" ? "video" : "call", t(titles[kind] ?? "chat.body.call"), line);
}

/** What this client cannot open: what it is, and a sentence about it. */
export function fallbackBody({ type, content }: Pick<LocalMessage, "type" | "content">, chat: Inside): VNode {
  const { t } = chat;
  switch (type) {
    case "image":
      return iconTile("image", t("chat.body.image"), sized(content, t));
    case "video":
      return iconTile("video", t("chat.body.video"), sized(content, t));
    case "voice": {
      const span = numberOf(content, "durationMs");
      return iconTile(
        "mic",
        [t("chat.body.voice"), span === null ? "" : duration(span)].join(" ").trim(),
        t("chat.body.fileHint"),
      );
    }
    case "file":
      return iconTile("file", firstWords(textOf(content, "name")) || t("chat.body.file"), sized(content, t));
    case "call":
      return callBody(content, chat);
    case "custom":
      return iconTile(
        "question",
        t("chat.body.custom", { kind: firstWords(textOf(content, "kind")) }),
        t("chat.body.customHint"),
      );
    default:
      return iconTile("question", t("chat.body.unknown"), t("chat.body.unknownHint"));
  }
}
