import { mapConcurrently } from "../../lib/map-concurrently.ts";
import { presenceRoom, push } from "../../lib/push.ts";
import type { PresenceDeps } from "./deps.ts";
import { showingAmong } from "./privacy.ts";
import { presenceView } from "./view.ts";

const TAKEN_AT_ONCE = 20;

/** Tells those who watch these users how each stands now, of those who let them; with `only`, of those who stand so. */
async function announce({ presence, calls, now }: PresenceDeps, userIds: readonly string[], only?: "online"): Promise<void> {
  const showing = await showingAmong(calls, userIds);
  const states = await presence.of(showing, now());
  const meant = only === undefined ? showing : showing.filter((userId) => states.get(userId)?.online);
  const deliveries = meant.map((userId) => ({
    room: presenceRoom(userId),
    event: "presence:changed" as const,
    payload: presenceView(userId, states.get(userId)),
  }));
  await push(calls, deliveries);
}

/** Tells of those who are online and of whom no node has told that they are. */
export async function announceArrivals(deps: PresenceDeps, userIds: readonly string[]): Promise<void> {
  const { presence, now } = deps;
  await announce(deps, await those(userIds, (userId) => presence.takeArrival(userId, now())));
}

/** Tells of those whose arrivals this node took; of those who are gone again their departures tell. */
export const announceTaken = (deps: PresenceDeps, userIds: readonly string[]): Promise<void> => announce(deps, userIds, "online");

/**
 * Tells of those who are offline and of whom no node has told that they are; says nothing of those who are back, whichever
 * gateway they came back to.
 * @returns whom it told of
 */
export async function announceDepartures(deps: PresenceDeps, userIds: readonly string[]): Promise<string[]> {
  const { presence, now } = deps;
  const gone = await those(userIds, (userId) => presence.takeDeparture(userId, now()));
  await announce(deps, gone);
  // Another node may have told meanwhile that someone is back; what is pushed last must be true.
  const states = await presence.of(gone, now());
  await announce(
    deps,
    gone.filter((userId) => states.get(userId)?.online),
  );
  return gone;
}

async function those(userIds: readonly string[], take: (userId: string) => Promise<boolean>): Promise<string[]> {
  const taken = await mapConcurrently(userIds, TAKEN_AT_ONCE, take);
  return userIds.filter((_, index) => taken[index]);
}
