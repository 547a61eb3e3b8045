import type { LocalConversation } from "@moleculer-im/client";

/** How a conversation is called and pictured. */
export interface Face {
  /** Of the user or group, whose colour the picture has. */
  readonly id: string;
  readonly name: string;
  readonly avatar: string;
  readonly isGroup: boolean;
}

interface Names {
  readonly t: (key: string) => string;
  readonly nameOf: (userId: string) => string;
}

type Conversation = Pick<LocalConversation, "conversationId" | "type" | "peer" | "group">;

/** The other one of two, by the id of the conversation; null when it is not between two. */
export function peerIdOf(conversationId: string, me: string): string | null {
  const found = /^d_(\d+)_(\d+)$/u.exec(conversationId);
  if (!found) return null;
  return (found[1] === me ? found[2] : found[1]) ?? null;
}

/** The group whose conversation it is; null for any other. */
export const groupIdOf = (conversationId: string): string | null => /^g_(\d+)$/u.exec(conversationId)?.[1] ?? null;

export function faceOf({ conversationId, type, peer, group }: Conversation, { t, nameOf }: Names): Face {
  if (type === "group") {
    const id = group?.groupId ?? conversationId;
    return { id, name: group?.name || t("chat.list.unnamedGroup"), avatar: group?.avatar ?? "", isGroup: true };
  }
  if (peer) return { id: peer.userId, name: nameOf(peer.userId), avatar: peer.avatar, isGroup: false };
  return { id: conversationId, name: t("chat.list.service"), avatar: "", isGroup: false };
}

/** Whether all the words of a search stand in one of the texts, in whatever case. */
export function matchesWords(words: string, texts: readonly string[]): boolean {
  const wanted = words.trim().toLocaleLowerCase().split(/\s+/u);
  const folded = texts.map((text) => text.toLocaleLowerCase());
  return wanted.every((word) => folded.some((text) => text.includes(word)));
}
