/**
 * Sync (D3, D4): brings a client of any age up to date, in pages. It owns nothing. What changed is found from versions that others
 * keep: the counter of a user's conversations (conversation), the log of changes of messages (mixins/change-log), the
 * versions of friends and groups, and how far each conversation has got (message).
 *
 * Flow: the parts of the version → changes of messages, and beside them: which conversations, the newest first → their messages →
 * how they stand. Guarantees: what changed after a version was made is in the answer to whoever hands it in, be it again; nothing beyond
 * the caller's bounds or above what is stable is; a version that says nothing any more begins anew.
 */
import { callerOf, defineService, type Calls } from "../../lib/service.ts";
import { withChangeLog, type ChangeLogVars } from "../../mixins/change-log/index.ts";
import { readUndelivered, summarize } from "./offline.ts";
import { pull } from "./pull.ts";
import type { SyncDeps } from "./state.ts";

interface Vars extends ChangeLogVars {
  deps(calls: Calls): SyncDeps;
}

export default defineService<"sync", Vars>()({
  name: "sync",
  mixins: [withChangeLog()],
  methods: {
    deps(calls: Calls): SyncDeps {
      return { calls, changes: this.changes };
    },
  },
  actions: {
    pull(ctx) {
      return pull(this.deps(ctx), callerOf(ctx).userId, ctx.params);
    },
    summary(ctx) {
      return summarize(this.deps(ctx), callerOf(ctx).userId);
    },
    messages(ctx) {
      return readUndelivered(this.deps(ctx), callerOf(ctx).userId, ctx.params);
    },
  },
});
