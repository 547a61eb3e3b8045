import { Type } from "typebox";
import type { ServiceContract } from "../define.ts";
import { Content, draft, ScheduledMessage } from "../entities.ts";
import { Closed, Cursor, Id, Limit, Nothing, Nullable, Page, Time } from "../primitives.ts";

/** What sending throws, but what another try can cure. */
const Refusals = [
  "CANNOT_MESSAGE",
  "BLOCKED_BY_YOU",
  "MUTED",
  "GROUP_NOT_FOUND",
  "CONVERSATION_NOT_FOUND",
  "ROLE_FORBIDS",
  "IDEMPOTENCY_CONFLICT",
  "TEXT_TOO_LARGE",
] as const;
const One = Closed({ scheduledId: Id });

export const schedulerContract = {
  schedule: {
    summary: "Send a message later; what sending it now would refuse is refused",
    params: Closed({
      ...draft,
      sendAt: Time,
    }),
    result: ScheduledMessage,
    errors: [...Refusals, "TOO_MANY_SCHEDULED"],
    idempotent: true,
  },
  list: {
    summary: "My messages that wait for their time or could not be sent, by that time",
    params: Closed({ limit: Limit, cursor: Cursor }),
    result: Page(ScheduledMessage),
    idempotent: true,
  },
  change: {
    summary: "Change the content or the time of a message that waits",
    params: Closed({ scheduledId: Id, content: Type.Optional(Content), sendAt: Type.Optional(Time) }),
    result: ScheduledMessage,
    errors: [...Refusals, "SCHEDULED_NOT_FOUND", "SCHEDULED_CLOSED"],
    idempotent: true,
  },
  cancel: {
    summary: "Cancel a message that waits, or put away one that could not be sent",
    params: One,
    result: Nothing,
    errors: ["SCHEDULED_NOT_FOUND", "SCHEDULED_CLOSED"],
    idempotent: true,
  },
  /** Internal: what `list` gives, for the export; pages ascend by (sendAt, scheduledId), a short one is the last. */
  exportOf: {
    summary: "Scheduled messages of a user",
    params: Closed({
      userId: Id,
      after: Type.Optional(Closed({ sendAt: Time, scheduledId: Id })),
      limit: Type.Integer({ minimum: 1, maximum: 1000 }),
    }),
    result: Type.Array(ScheduledMessage),
    idempotent: true,
  },
  status: {
    summary: "What is due and what was done about it",
    params: Closed({}),
    result: Type.Record(Type.String(), Nullable(Type.Number())),
    idempotent: true,
  },
  run: { summary: "Look for what is due now", params: Closed({}), result: Closed({ done: Type.Integer() }) },
} satisfies ServiceContract;
