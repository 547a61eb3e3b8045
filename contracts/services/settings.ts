import { Type } from "typebox";
import type { ServiceContract } from "../define.ts";
import { Settings } from "../entities.ts";
import { Closed, Id } from "../primitives.ts";

export const settingsContract = {
  get: { summary: "My settings", params: Closed({}), result: Settings, idempotent: true },
  update: {
    summary: "Change some of my settings",
    params: Type.Partial(Settings, { additionalProperties: false }),
    result: Settings,
    idempotent: true,
  },
  /** Internal. One entry for each id, defaults where a user never chose. */
  of: {
    summary: "Settings of users",
    params: Closed({ userIds: Type.Array(Id, { maxItems: 5_000 }) }),
    result: Type.Record(Id, Settings),
    idempotent: true,
  },
} satisfies ServiceContract;
