import { Type, type TSchema } from "typebox";
import type { MessageType, SendableType } from "./entities.ts";
import { MAX_FORWARD_ITEMS } from "./limits.ts";
import { Closed, Id, Line } from "./primitives.ts";

const Text = Closed({ text: Type.String({ minLength: 1 }) });

/** What a client sends as `content`, by type. */
export const sentContent = {
  text: Text,
  markdown: Text,
  location: Closed({
    latitude: Type.Number({ minimum: -90, maximum: 90 }),
    longitude: Type.Number({ minimum: -180, maximum: 180 }),
    title: Type.Optional(Line(1, 200)),
    address: Type.Optional(Line(1, 500)),
  }),
  card: Closed({ userId: Id }),
  custom: Closed({ kind: Line(1, 64), data: Type.Unknown() }),
  /** `items`: ids of messages of one conversation that the sender can see; the server stores a snapshot of them. */
  forward: Closed({
    title: Line(1, 200),
    items: Type.Array(Id, { minItems: 1, maxItems: MAX_FORWARD_ITEMS, uniqueItems: true }),
  }),
} satisfies Record<SendableType, TSchema>;

/** Types whose text the sender may change afterwards. */
export const editableTypes: readonly MessageType[] = ["text", "markdown"];
