import type { ErrorType } from "../../contracts/errors.ts";
import { isImError } from "../../lib/errors.ts";
import friend from "../../services/friend/friend.service.ts";
import { createNeighbours, type Neighbours } from "./neighbours.ts";
import { createNode, type TestNode } from "./node.ts";

/** The friend service alone, and people who only have ids: of two lengths, so that their order as numbers is not that as text. */

export const ann = "9";
export const bob = "10";
export const cid = "1234567890123456789";
export const dan = "77";

/** A node with the real friend service between stand-ins. */
export async function friendNode(): Promise<{ node: TestNode; around: Neighbours } & AsyncDisposable> {
  const around = createNeighbours();
  const node = await createNode([friend, ...around.services]);
  return { node, around, [Symbol.asyncDispose]: () => node.stop() };
}

/** Whether an error has this type. */
export const fails =
  (type: ErrorType) =>
  (error: unknown): boolean =>
    isImError(error, type);

export async function befriend(node: TestNode, a: string, b: string): Promise<void> {
  const { requestId } = await node.as(a, "friend.request", { userId: b });
  await node.as(b, "friend.handleRequest", { requestId, action: "accept" });
}

export const idsOf = (items: readonly { user: { userId: string } }[]): string[] => items.map(({ user }) => user.userId);
