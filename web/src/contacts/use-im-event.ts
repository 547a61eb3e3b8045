import type { ClientEventName, ClientEvents } from "@moleculer-im/client";
import { onScopeDispose } from "vue";
import { im } from "../session/im.ts";

/** Listens as long as the component lives. */
export function useImEvent<E extends ClientEventName>(event: E, listener: (payload: ClientEvents[E]) => void): void {
  onScopeDispose(im.on(event, listener));
}
