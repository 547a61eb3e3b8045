import type { Content } from "../contracts/entities.ts";
import type { MessageRecord } from "../contracts/records.ts";

/** What a deleted user is called where only their id is left. */
export const DELETED_NAME = "Deleted user";

/** A message inside a merged forward, as `services/message/forward.ts` makes it; a forward may hold forwards. */
interface Snapshot {
  readonly senderId: string;
  readonly senderName: string;
  readonly type: string;
  readonly content: Content;
}
type Words = Pick<MessageRecord, "type" | "content">;

const snapshotsOf = ({ type, content }: Pick<Snapshot, "type" | "content">): readonly Snapshot[] =>
  type === "forward" && Array.isArray(content["items"]) ? (content["items"] as Snapshot[]) : [];

/** Whose words a message's content holds beside its sender's: those of the people whose messages it forwards. */
export function forwardedIn(words: Words): string[] {
  return snapshotsOf(words).flatMap((snapshot) => [snapshot.senderId, ...forwardedIn(snapshot as Words)]);
}

/** Whose words a record holds. */
export function authorsOf(record: MessageRecord): string[] {
  return [record.senderId, ...(record.replyTo ? [record.replyTo.senderId] : []), ...forwardedIn(record)];
}

/** A content without the words and the names of these people. */
export function withoutForwarded({ type, content }: Pick<Snapshot, "type" | "content">, erased: ReadonlySet<string>): Content {
  const snapshots = snapshotsOf({ type, content });
  if (snapshots.length === 0) return content;
  const items = snapshots.map((snapshot) =>
    erased.has(snapshot.senderId)
      ? { ...snapshot, senderName: DELETED_NAME, content: {} }
      : { ...snapshot, content: withoutForwarded(snapshot, erased) },
  );
  return { ...content, items };
}

/** A record without the words of these people. One that was sent by one of them keeps its place and nothing else. */
export function withoutWords(record: MessageRecord, erased: ReadonlySet<string>): MessageRecord {
  if (erased.has(record.senderId)) return { ...record, content: {}, replyTo: null, mentions: null, bodyHash: "" };
  const { replyTo } = record;
  return {
    ...record,
    content: withoutForwarded(record, erased),
    replyTo: replyTo && erased.has(replyTo.senderId) ? { ...replyTo, preview: "" } : replyTo,
  };
}
