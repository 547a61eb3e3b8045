import type { Service, ServiceSchema } from "moleculer";
import type { Settings, User } from "../../contracts/entities.ts";
import type { DomainEventName, DomainEvents } from "../../contracts/events.ts";
import type { Params } from "../../contracts/index.ts";
import type { Deliveries } from "../../lib/push.ts";
import { withSubscriptions, type DomainEvent, type EventHandlers } from "../../mixins/event-stream/index.ts";
import { withOutbox, type NewEvent, type Outbox } from "../../mixins/outbox/index.ts";
import { withDatabase, type Database } from "../../mixins/database/index.ts";

export interface Recorded {
  readonly subject: string;
  readonly payload: Record<string, unknown>;
}

/** Stand-ins for the services around the one that is tested; they record what they are asked to do. */
export interface Neighbours {
  readonly services: ServiceSchema[];
  readonly deliveries: Deliveries;
  /** How much each call of `socket.deliver` brought. */
  readonly pushSizes: number[];
  readonly watches: Params<"socket.watch">[];
  readonly refreshed: Params<"conversation.refreshMembers">[];
  readonly events: Recorded[];
  /** Users that `user.activeAmong` does not know. */
  readonly inactive: Set<string>;
  readonly settings: Map<string, Partial<Settings>>;
  /** Publishes an event as another service would. */
  publish<N extends DomainEventName>(subject: N, payload: DomainEvents[N]): Promise<void>;
  /** Waits until all events have been handled. */
  settled(): Promise<void>;
}

export const defaultSettings: Settings = {
  whoMayAddMe: "everyone",
  searchable: true,
  showReadReceipts: true,
  showPresence: true,
  dnd: null,
  language: "en",
};

export const userNamed = (userId: string): User => ({
  userId,
  username: `user${userId}`,
  nickname: `User ${userId}`,
  avatar: "",
  signature: "",
  gender: "unknown",
  region: "",
});

const recordedEvents = [
  "im.friend.request.sent",
  "im.friend.request.handled",
  "im.friend.removed",
  "im.friend.updated",
  "im.friend.block.changed",
] as const satisfies DomainEventName[];

/** @param without names of services that are not there */
export function createNeighbours({ without = [] }: { without?: readonly string[] } = {}): Neighbours {
  const deliveries: Deliveries = [];
  const pushSizes: number[] = [];
  const watches: Params<"socket.watch">[] = [];
  const refreshed: Params<"conversation.refreshMembers">[] = [];
  const events: Recorded[] = [];
  const inactive = new Set<string>();
  const settings = new Map<string, Partial<Settings>>();
  let settled = (): Promise<void> => Promise.resolve();
  let publish = async (_event: NewEvent<DomainEventName>): Promise<void> => {
    throw new Error("the node has not started");
  };

  const record = async (event: DomainEvent<unknown>): Promise<void> => {
    events.push({ subject: event.subject, payload: event.payload as Record<string, unknown> });
  };
  const handlers = Object.fromEntries(recordedEvents.map((subject) => [subject, record])) as EventHandlers<unknown>;
  const settingsOf = (userIds: readonly string[]): Record<string, Settings> =>
    Object.fromEntries(userIds.map((userId) => [userId, { ...defaultSettings, ...settings.get(userId) }]));

  const services: ServiceSchema[] = [
    {
      name: "user",
      actions: {
        getMany: (ctx: { params: Params<"user.getMany"> }) => ctx.params.userIds.map(userNamed),
        activeAmong: (ctx: { params: Params<"user.activeAmong"> }) =>
          ctx.params.userIds.filter((userId) => !inactive.has(userId)),
      },
    },
    { name: "settings", actions: { of: (ctx: { params: Params<"settings.of"> }) => settingsOf(ctx.params.userIds) } },
    {
      name: "conversation",
      actions: { refreshMembers: (ctx: { params: Params<"conversation.refreshMembers"> }) => void refreshed.push(ctx.params) },
    },
    {
      name: "socket",
      actions: {
        deliver(ctx: { params: Params<"socket.deliver"> }) {
          deliveries.push(...ctx.params.deliveries);
          pushSizes.push(ctx.params.deliveries.length);
        },
        watch: (ctx: { params: Params<"socket.watch"> }) => void watches.push(ctx.params),
      },
    },
    {
      name: "recorder",
      mixins: [withDatabase(), withOutbox(), withSubscriptions({ consumer: "recorder", handlers })],
      async started(this: Service & { sql?: Database; outbox?: Outbox }) {
        const { sql, outbox } = this;
        if (!sql || !outbox) return;
        publish = async (event) => void (await sql.transaction((tx) => outbox.add(tx, event)));
        settled = () => outbox.idle();
      },
    },
  ];
  return {
    services: services.filter(({ name }) => !without.includes(name)),
    deliveries,
    pushSizes,
    watches,
    refreshed,
    events,
    inactive,
    settings,
    publish: (subject, payload) => publish({ subject, key: "test", payload }),
    settled: () => settled(),
  };
}
