import type { Settings } from "../../contracts/entities.ts";
import { defineService } from "../../lib/service.ts";

interface Vars {
  readonly store: Map<string, Settings>;
}
declare const some: Settings;

defineService<"settings", Vars>()({
  name: "settings",
  methods: {
    stored(userId: string): Settings {
      return this.store.get(userId) ?? some;
    },
  },
  actions: {
    get(ctx) {
      ctx.params satisfies object;
      return this.stored(ctx.meta.caller?.userId ?? "");
    },
    update: {
      bulkhead: { enabled: true, concurrency: 1, maxQueueSize: 1 },
      handler: async (ctx) => ({ ...some, ...ctx.params }),
    },
    of: (ctx) => Object.fromEntries(ctx.params.userIds.map((userId) => [userId, some])),
  },
  events: {
    "presence.changed"(ctx) {
      ctx.params.online satisfies boolean;
      // @ts-expect-error: the event has no such field
      ctx.params.device;
    },
  },
  async started() {
    this.store.clear();
    // @ts-expect-error: nobody put this there
    this.cache;
  },
});

defineService<"settings">()({
  name: "settings",
  // @ts-expect-error: `of` is not implemented
  actions: { get: () => some, update: () => some },
});

defineService<"settings">()({
  name: "settings",
  actions: {
    get: () => some,
    update: () => some,
    of: () => ({}),
    // @ts-expect-error: the contract has no such action
    reset: () => null,
  },
});

defineService<"settings">()({
  name: "settings",
  actions: {
    // @ts-expect-error: the result has no language
    get: () => ({ ...some, language: undefined }),
    // @ts-expect-error: the result is not there
    update: () => null,
    // @ts-expect-error: there is no such param
    of: (ctx) => ({ [ctx.params.userId]: some }),
  },
});

defineService<"settings">()({
  // @ts-expect-error: the name is that of the contract
  name: "setting",
  actions: { get: () => some, update: () => some, of: () => ({}) },
});

// @ts-expect-error: there is no contract of this name
defineService<"wallet">()({ name: "wallet", actions: {} });

defineService<"settings">()({
  name: "settings",
  // @ts-expect-error: one cannot depend on what is not there
  dependencies: ["wallet"],
  actions: { get: () => some, update: () => some, of: () => ({}) },
});

defineService<"settings">()({
  name: "settings",
  actions: { get: () => some, update: () => some, of: () => ({}) },
  events: {
    // @ts-expect-error: there is no such event
    "presence.change": () => undefined,
  },
});
