/** What a conversation id says. */
export type ParsedConversationId =
  | { readonly type: "direct"; readonly userIds: readonly [string, string] }
  | { readonly type: "group"; readonly groupId: string }
  | { readonly type: "service"; readonly id: string };

/** Id of the conversation of two different people, the same whoever is named first: the lower id, as a number, leads. */
export function directConversationId(a: string, b: string): string {
  return isLower(a, b) ? `d_${a}_${b}` : `d_${b}_${a}`;
}

export function groupConversationId(groupId: string): string {
  return `g_${groupId}`;
}

const shape = /^(?:d_([1-9]\d{0,18})_([1-9]\d{0,18})|g_([1-9]\d{0,18})|s_([1-9]\d{0,18}))$/;

/** null for whatever is no conversation id, also for a direct one whose users are equal or not in their order. */
export function parseConversationId(conversationId: string): ParsedConversationId | null {
  const match = shape.exec(conversationId);
  if (!match) return null;
  const [, low, high, groupId, id] = match;
  if (low !== undefined && high !== undefined) return isLower(low, high) ? { type: "direct", userIds: [low, high] } : null;
  if (groupId !== undefined) return { type: "group", groupId };
  return id === undefined ? null : { type: "service", id };
}

/** Compares decimal ids as numbers: without leading zeros the shorter one is the lower. */
function isLower(a: string, b: string): boolean {
  return a.length === b.length ? a < b : a.length < b.length;
}
