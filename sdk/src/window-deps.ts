import type { Params, Result } from "../../contracts/index.ts";
import type { KeptPage } from "./core/keep-page.ts";
import type { ConversationRecord } from "./core/records.ts";
import type { Store } from "./store/port.ts";
import type { LocalMessage } from "./types.ts";

/** What a window reads and tells. */
export interface WindowDeps {
  readonly store: Pick<Store, "get" | "list">;
  readonly me: () => string;
  readonly record: (conversationId: string) => ConversationRecord | null;
  readonly outgoing: (conversationId: string) => LocalMessage[];
  readonly history: (params: Params<"message.history">) => Promise<Result<"message.history">>;
  readonly keep: (page: KeptPage) => void;
  readonly onClose: () => void;
}

/** Puts what a load has found in place; null: nothing. What it answers is done when what changed meanwhile is in too. */
export type Found = (() => (() => void) | void) | null;

export type Place = { readonly seq: number } | { readonly time: number };
/** @param record of the conversation as it is stored, null: there is none */
export type Load = (record: ConversationRecord | null) => Promise<Found>;
