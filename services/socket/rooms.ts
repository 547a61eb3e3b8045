import type { Params } from "../../contracts/index.ts";
import { mapConcurrently } from "../../lib/map-concurrently.ts";
import { conversationRoom, userRoom } from "../../lib/push.ts";
import type { ImServer, ImSocket } from "./types.ts";

/** Connections that enter or leave rooms. */
export type RoomChange = Params<"socket.moveRooms">;

const REFRESH_AT_ONCE = 10;

/** Joins the rooms that were read while the connection was let in. @returns those of conversations */
export async function enterRooms(socket: ImSocket): Promise<ReadonlySet<string>> {
  const { identity, rooms } = socket.data;
  const conversations = rooms.map(conversationRoom);
  await socket.join([userRoom(identity.userId), `s:${identity.sessionId}`, ...conversations]);
  return new Set(conversations);
}

/** Joins and leaves what was joined and left between the reading of these rooms and their joining. */
export async function correctRooms(
  socket: ImSocket,
  rooms: ReadonlySet<string>,
  roomsOf: () => Promise<string[]>,
): Promise<void> {
  const now = new Set((await roomsOf()).map(conversationRoom));
  await socket.join([...now]);
  for (const left of rooms.difference(now)) await socket.leave(left);
}

/** Does it to the connections of this gateway. @returns how many connections it concerned */
export function moveRooms(io: ImServer, { of, rooms, enter }: RoomChange): number {
  const adapter = io.of("/").adapter;
  const concerned = new Set(of.flatMap((room) => [...(adapter.rooms.get(room) ?? [])]));
  for (const id of concerned) {
    if (enter) void adapter.addAll(id, new Set(rooms));
    else for (const room of rooms) void adapter.del(id, room);
  }
  return concerned.size;
}

export interface EverywhereDeps {
  readonly io: ImServer;
  /** The other gateways that are reachable now. */
  others(): string[];
  moveOn(nodeId: string, change: RoomChange): Promise<{ moved: number }>;
}

/**
 * Does it to the connections of every gateway, past the adapter, which tells nobody what was lost on the way.
 * @throws what the first gateway that could not be told answered; the others have done it
 */
export async function moveRoomsEverywhere(deps: EverywhereDeps, change: RoomChange): Promise<void> {
  moveRooms(deps.io, change);
  const told = await Promise.allSettled(deps.others().map((nodeId) => deps.moveOn(nodeId, change)));
  for (const one of told) if (one.status === "rejected") throw one.reason;
}

/** As `moveRoomsEverywhere` for one connection: who has it must be told, whoever else cannot be told. */
export async function moveRoomsOfOne(deps: EverywhereDeps, change: RoomChange): Promise<void> {
  if (moveRooms(deps.io, change) > 0) return;
  const told = await Promise.allSettled(deps.others().map((nodeId) => deps.moveOn(nodeId, change)));
  if (told.some((one) => one.status === "fulfilled" && one.value.moved > 0)) return;
  for (const one of told) if (one.status === "rejected") throw one.reason; // else the connection is gone
}

export interface RefreshDeps {
  /** Group conversations of the user. */
  roomsOf(userId: string): Promise<string[]>;
  /** The connection watches again whom it may of these users. */
  watch(socket: ImSocket, userIds: string[]): Promise<unknown>;
}

/**
 * Puts the rooms of these connections right, for a gateway that may have missed changes: it was not among those that were
 * told, since it could not be reached.
 * @throws when the rooms of one user could not be read; those of the others are right
 */
export async function refreshRooms(deps: RefreshDeps, sockets: readonly ImSocket[]): Promise<void> {
  const byUser = [...Map.groupBy(sockets, ({ data }) => data.identity.userId)];
  const failures: unknown[] = [];
  await mapConcurrently(byUser, REFRESH_AT_ONCE, async ([userId, theirs]) => {
    try {
      const rooms = new Set((await deps.roomsOf(userId)).map(conversationRoom));
      for (const socket of theirs) await refresh(deps, socket, rooms);
    } catch (error) {
      failures.push(error);
    }
  });
  if (failures.length > 0) throw failures[0];
}

async function refresh(deps: RefreshDeps, socket: ImSocket, rooms: ReadonlySet<string>): Promise<void> {
  const current = [...socket.rooms];
  for (const room of current) if (room.startsWith("c:") && !rooms.has(room)) await socket.leave(room);
  await socket.join([...rooms]);
  const watched = current.filter((room) => room.startsWith("p:"));
  if (watched.length === 0) return;
  for (const room of watched) await socket.leave(room);
  await deps.watch(
    socket,
    watched.map((room) => room.slice(2)),
  );
}
