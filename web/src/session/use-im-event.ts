import type { ClientEventName, ClientEvents } from "@moleculer-im/client";
import { onScopeDispose } from "vue";
import { im } from "./im.ts";

/** Listens as long as the component lives. */
export function useImEvent<E extends ClientEventName>(event: E, listener: (payload: ClientEvents[E]) => void): void {
  onScopeDispose(im.on(event, listener));
}

/** Runs `work` each time the client is up to date again: what was asked for meanwhile failed, and events were missed. */
export function useWhenBack(work: () => void): void {
  useImEvent("connection", ({ state }) => {
    if (state === "online") work();
  });
}
