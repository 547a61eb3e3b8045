import { Type, type Static } from "typebox";
import { Compile } from "typebox/compile";
import { Closed, ConversationId, Nullable, Seq } from "../../contracts/primitives.ts";
import { invalidField } from "../../lib/validation.ts";

/** Where the next page goes on. */
const Position = Type.Union([
  /** Behind this conversation in the order of the newest. */
  Closed({ stage: Type.Literal("newest"), at: Seq, id: ConversationId }),
  /** Among those that moved since the first page, in the order of their ids; "" is the beginning. */
  Closed({ stage: Type.Literal("moved"), id: Type.Union([ConversationId, Type.Literal("")]) }),
  /** All were given. */
  Closed({ stage: Type.Literal("done") }),
]);

/** What the pages of one sync have in common, and how far they have got. */
const Cursor = Closed({
  /** The version that the first page gave. */
  version: Type.String({ maxLength: 2_000 }),
  /** The version that the client came with; null: none, or none that counts. */
  since: Nullable(Type.String({ maxLength: 2_000 })),
  reset: Type.Boolean(),
  position: Position,
  /** The last change that was given; null: all were. */
  changesAfter: Nullable(Seq),
});

export type Position = Static<typeof Position>;
export type SyncCursor = Static<typeof Cursor>;

const validator = Compile(Cursor);

export const formatCursor = (cursor: SyncCursor): string => Buffer.from(JSON.stringify(cursor)).toString("base64url");

/** @throws VALIDATION for a text that no page ever gave */
export function parseCursor(text: string): SyncCursor {
  const value = jsonOf(Buffer.from(text, "base64url").toString());
  if (!validator.Check(value)) throw noCursor();
  return value;
}

export const noCursor = (): Error => invalidField("cursor", "must be the nextCursor of the page before");

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
