import assert from "node:assert/strict";
import type { ServiceSchema } from "moleculer";
import type { ActionName, Params, Result } from "../../contracts/index.ts";
import type { ErrorType } from "../../contracts/errors.ts";
import { imError, isImError } from "../../lib/errors.ts";
import type { Outbox } from "../../mixins/outbox/index.ts";
import type { GroupDeps } from "../../services/group/deps.ts";
import groupService from "../../services/group/group.service.ts";
import { userNamed } from "./neighbours.ts";
import { createNode, type NodeOptions, type TestNode } from "./node.ts";

/** What the stand-in of the user service says of a user. */
export { userNamed as userOf };

interface Recorded {
  readonly action: string;
  readonly params: Record<string, unknown>;
}

/** What the stand-ins of the group service's neighbours answer. */
export interface Neighbours {
  /** Ids of users that were deleted or disabled. */
  readonly inactive: Set<string>;
  /** `inviter:invitee` pairs whose invitee is a friend. */
  readonly friends: Set<string>;
  /** `inviter:invitee` pairs whose invitee lets the inviter put them into groups. */
  readonly allows: Set<string>;
  /** Whether `message.sendSystem` answers. */
  messagesAreUp: boolean;
}

/** A node with the real group service between stand-ins that record what they are told. */
export interface GroupWorld extends AsyncDisposable {
  readonly node: TestNode;
  readonly neighbours: Neighbours;
  readonly told: Recorded[];
  readonly deps: GroupDeps;
  as: TestNode["as"];
  /** Waits until the durable events have been handled. */
  settled(): Promise<void>;
  /** System messages of a group, in order. */
  messages(groupId: string): { event: string; userIds?: string[]; [key: string]: unknown }[];
  /** A group of which `ownerId` is the owner and the others, who join at once, have these roles. */
  group(
    ownerId: string,
    others?: { admins?: string[]; members?: string[] },
    more?: Partial<Params<"group.create">>,
  ): Promise<string>;
}

interface WorldOptions extends NodeOptions {
  readonly messagesAreUp?: boolean;
  /** Real services in the place of the stand-ins of their names. */
  readonly inPlace?: readonly ServiceSchema[];
}

export async function createGroupWorld({ inPlace = [], ...options }: WorldOptions = {}): Promise<GroupWorld> {
  const told: Recorded[] = [];
  const neighbours: Neighbours = {
    inactive: new Set(),
    friends: new Set(),
    allows: new Set(),
    messagesAreUp: options.messagesAreUp ?? true,
  };
  const real = new Set(inPlace.map(({ name }) => name));
  const others = standIns(told, neighbours).filter(({ name }) => !real.has(name));
  const node = await createNode([groupService, ...others, ...inPlace], options);
  const service = node.broker.getLocalService("group") as unknown as { deps(): GroupDeps; outbox: Outbox };
  return {
    node,
    neighbours,
    told,
    deps: service.deps(),
    as: node.as,
    settled: () => service.outbox.idle(),
    messages: (groupId) =>
      told
        .filter(({ action, params }) => action === "message.sendSystem" && params["conversationId"] === `g_${groupId}`)
        .map(({ params }) => params["content"] as { event: string }),
    group: (ownerId, others, more) => makeGroup(node, neighbours, ownerId, others, more),
    [Symbol.asyncDispose]: () => node.stop(),
  };
}

async function makeGroup(
  node: TestNode,
  { allows }: Neighbours,
  ownerId: string,
  { admins = [], members = [] }: { admins?: string[]; members?: string[] } = {},
  more: Partial<Params<"group.create">> = {},
): Promise<string> {
  const memberIds = [...admins, ...members];
  for (const userId of memberIds) allows.add(`${ownerId}:${userId}`);
  const { group, joined } = await node.as(ownerId, "group.create", { name: "Group", memberIds, ...more });
  assert.deepEqual(joined, memberIds);
  for (const userId of admins) await node.as(ownerId, "group.updateMember", { groupId: group.groupId, userId, role: "admin" });
  return group.groupId;
}

/** Fails unless `promise` rejects with this error. */
export async function refuses(promise: Promise<unknown>, type: ErrorType): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(isImError(error, type), `expected ${type}, got ${(error as { type?: string }).type ?? String(error)}`);
    return true;
  });
}

function standIns(told: Recorded[], neighbours: Neighbours): ServiceSchema[] {
  const seqs = new Map<string, number>();
  const seen = new Map<string, number>();
  /** Records what it is told and answers. */
  const answers =
    <N extends ActionName>(action: N, answer: (params: Params<N>) => Result<N>) =>
    (ctx: { params: Params<N> }): Result<N> => {
      told.push({ action, params: structuredClone(ctx.params) as Record<string, unknown> });
      return answer(ctx.params);
    };
  const sendSystem = ({ conversationId, clientMsgId }: Params<"message.sendSystem">): Result<"message.sendSystem"> => {
    const key = `${conversationId} ${clientMsgId}`;
    const seq = seen.get(key) ?? (seqs.get(conversationId) ?? 0) + 1;
    if (!seen.has(key)) seqs.set(conversationId, seq);
    seen.set(key, seq);
    return { messageId: "1", conversationId, seq, createdAt: 1 };
  };
  const nothing = (): null => null;
  return [
    {
      name: "user",
      actions: {
        activeAmong: (ctx: { params: Params<"user.activeAmong"> }) =>
          ctx.params.userIds.filter((userId) => !neighbours.inactive.has(userId)),
        getMany: (ctx: { params: Params<"user.getMany"> }) => ctx.params.userIds.map(userNamed),
      },
    },
    {
      name: "friend",
      actions: {
        invitable: ({ params: { inviterId, userIds } }: { params: Params<"friend.invitable"> }) => ({
          invitable: userIds.filter(
            (userId) => neighbours.friends.has(`${inviterId}:${userId}`) || neighbours.allows.has(`${inviterId}:${userId}`),
          ),
          joinAtOnce: userIds.filter((userId) => neighbours.allows.has(`${inviterId}:${userId}`)),
        }),
      },
    },
    {
      name: "message",
      actions: {
        sendSystem: (ctx: { params: Params<"message.sendSystem"> }) => {
          if (!neighbours.messagesAreUp) throw imError("SEND_FAILED");
          return answers("message.sendSystem", sendSystem)(ctx);
        },
        heads: ({ params: { items } }: { params: Params<"message.heads"> }): Result<"message.heads"> =>
          items.map(({ conversationId }) => ({ maxSeq: seqs.get(conversationId) ?? 0, at: 0 })),
      },
    },
    {
      name: "conversation",
      actions: {
        refreshMembers: answers("conversation.refreshMembers", nothing),
        admit: answers("conversation.admit", () => ({ head: 0 })),
        joined: answers("conversation.joined", nothing),
        leaving: answers("conversation.leaving", ({ conversationId }: { conversationId: string }) => ({
          head: seqs.get(conversationId) ?? 0,
        })),
        left: answers("conversation.left", nothing),
      },
    },
    {
      name: "socket",
      actions: {
        join: answers("socket.join", nothing),
        leave: answers("socket.leave", nothing),
        deliver: answers("socket.deliver", nothing),
      },
    },
  ] as unknown as ServiceSchema[];
}
