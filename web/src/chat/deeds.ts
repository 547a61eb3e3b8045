import type { LocalMessage, MessageState } from "@moleculer-im/client";

/** What the server allows by default; it decides, this only hides what would be refused for certain. */
export const RECALL_WITHIN_MS = 120_000;
export const EDIT_WITHIN_MS = 900_000;

export const DEEDS = [
  "reply",
  "react",
  "copy",
  "forward",
  "edit",
  "recall",
  "readers",
  "pin",
  "unpin",
  "select",
  "retry",
  "discard",
  "delete",
] as const;
export type Deed = (typeof DEEDS)[number];

/** Who looks, and where. */
export interface Viewer {
  readonly me: string;
  readonly conversation: "direct" | "group" | "service";
  /** Null outside groups. */
  readonly role: "owner" | "admin" | "member" | null;
  /** Is a member still and not shut out: may write here. */
  readonly mayWrite: boolean;
  /** Epoch ms. */
  readonly now: number;
}

const isManager = ({ role }: Viewer): boolean => role === "owner" || role === "admin";
const hasText = ({ type }: LocalMessage): boolean => type === "text" || type === "markdown";
/** On its way, or refused: the server does not have it. */
export const isLocal = ({ messageId }: Pick<LocalMessage, "messageId">): boolean => messageId === null;

/** What can be done with a message, in the order of {@link DEEDS}. */
export function deedsFor(message: LocalMessage, viewer: Viewer): Deed[] {
  return DEEDS.filter((deed) => RULES[deed](message, viewer));
}

type Rule = (message: LocalMessage, viewer: Viewer) => boolean;
const isMine: Rule = ({ senderId }, { me }) => senderId === me;
/** Somebody said it and it is there. */
const stands: Rule = (message) => !isLocal(message) && message.recalledAt === undefined && message.type !== "system";
const within = ({ createdAt }: LocalMessage, { now }: Viewer, limitMs: number): boolean => now - createdAt < limitMs;
const mayPin: Rule = (message, viewer) =>
  stands(message, viewer) && viewer.mayWrite && (viewer.conversation === "direct" || isManager(viewer));
const isGone = ({ state }: { readonly state: MessageState }): boolean => state === "failed";

const RULES: Readonly<Record<Deed, Rule>> = {
  reply: (message, viewer) => stands(message, viewer) && viewer.mayWrite,
  react: (message, viewer) => stands(message, viewer) && viewer.mayWrite,
  copy: (message) => message.recalledAt === undefined && hasText(message),
  forward: (message, viewer) => stands(message, viewer) && message.burnAfterMs === undefined,
  edit: (message, viewer) =>
    stands(message, viewer) &&
    isMine(message, viewer) &&
    hasText(message) &&
    viewer.mayWrite &&
    within(message, viewer, EDIT_WITHIN_MS),
  recall: (message, viewer) =>
    stands(message, viewer) && (isManager(viewer) || (isMine(message, viewer) && within(message, viewer, RECALL_WITHIN_MS))),
  readers: (message, viewer) => stands(message, viewer) && viewer.conversation === "group",
  pin: (message, viewer) => mayPin(message, viewer) && message.pinnedAt === undefined,
  unpin: (message, viewer) => mayPin(message, viewer) && message.pinnedAt !== undefined,
  select: stands,
  retry: isGone,
  discard: isGone,
  delete: (message) => !isLocal(message),
};
