import { userRoom, type Deliveries } from "../../lib/push.ts";

export interface OwnDevicesDeps {
  /** Never rejects, and nobody waits for it; what is handed over while one push runs goes together into the next. */
  readonly push: (deliveries: Deliveries) => Promise<void>;
}

export interface OwnNews {
  readonly userId: string;
  readonly conversationId: string;
  readonly version: string;
  /** What has another value now. */
  readonly change: Readonly<Record<string, unknown>>;
  /** The connection over which it was changed knows already; a change over REST is told to all. */
  readonly connectionId?: string | undefined;
}

/** Tells a user's own devices what changed in their list. */
export function tellOwnDevices(
  { push }: OwnDevicesDeps,
  { userId, conversationId, version, change, connectionId }: OwnNews,
): void {
  const except = connectionId === undefined ? {} : { except: [connectionId] };
  const payload = { conversationId, version, ...change };
  void push([{ room: userRoom(userId), event: "conversation:updated", payload, ...except }]);
}
