import type { Message } from "../../contracts/entities.ts";
import type { MessageRef } from "../chaos/device.ts";
import type { Reply, Walk } from "../chaos/history.ts";
import type { ClientOperation, Position } from "./operations.ts";
import { connect, type Person, type PersonDevice, type World, type WorldConversation } from "./world.ts";

/** An operation with what its indexes stand for. */
export interface Task {
  readonly operation: ClientOperation;
  readonly person: Person;
  readonly device: PersonDevice;
  readonly whom: Person;
  readonly conversation: WorldConversation;
  /** The message it is about; undefined when the conversation has none. */
  readonly message: MessageRef | undefined;
  /** Of what is sent. */
  readonly clientMsgId: string;
  readonly text: string;
  /** Up to which a cursor is to move. */
  readonly seq: number;
}

const pick = <T>(list: readonly T[], index: number): T => list[index % list.length]!;

/** A source of words and keys that no other operation has, and of those a person has used. */
export class Words {
  readonly #used = new Map<Person, { clientMsgId: string; text: string }[]>();
  #count = 0;

  /** For `send` and `repeat`; one who has sent nothing yet has nothing to repeat. */
  of(operation: ClientOperation, person: Person): { clientMsgId: string; text: string } {
    const fresh = { clientMsgId: `k${++this.#count}`, text: `words ${this.#count}` };
    const used = this.#used.get(person) ?? [];
    this.#used.set(person, used);
    if (operation.op === "repeat" && used.length > 0) {
      const first = pick(used, operation.key);
      return operation.otherWords ? { ...first, text: fresh.text } : first;
    }
    if (operation.op === "send" || operation.op === "repeat") used.push(fresh);
    return fresh;
  }
}

/** @param messagesOf what the operation may choose its message from, ascending by seq */
export function taskOf(
  world: World,
  operation: ClientOperation,
  words: Words,
  messagesOf: (conversation: WorldConversation, device: PersonDevice) => readonly MessageRef[],
): Task {
  const person = pick(world.people, operation.who);
  const device = person.devices[operation.device];
  const conversation = pick(world.conversations, "conversation" in operation ? operation.conversation : 0);
  const messages = messagesOf(conversation, device);
  const back = "message" in operation ? operation.message : 0;
  const message = messages.length > 0 ? messages[messages.length - 1 - (back % messages.length)] : undefined;
  return {
    operation,
    person,
    device,
    whom: pick(world.people, "whom" in operation ? operation.whom : 0),
    conversation,
    message,
    ...words.of(operation, person),
    seq: (message?.seq ?? 0) + (back === 0 ? 2 : 0),
  };
}

/** Does what an operation says, its message chosen from what the device shows. null: there is nothing to do */
export function act(world: World, operation: ClientOperation, words: Words): Promise<Reply<unknown> | null> {
  const shown: Parameters<typeof taskOf>[3] = ({ conversationId }, device) =>
    device.view.of(conversationId).map((message) => ({ ...message, conversationId }));
  return perform(world, taskOf(world, operation, words, shown));
}

/** Does it. null: there is nothing to do, since there is no such message, or a receipt needs a connection. */
export async function perform(world: World, task: Task): Promise<Reply<unknown> | null> {
  const { operation, device, person, whom, conversation, clientMsgId, text, seq } = task;
  const { conversationId } = conversation;
  switch (operation.op) {
    case "send":
    case "repeat":
      return device.send(conversationId, clientMsgId, text);
    case "read":
      return device.read(conversationId, seq);
    case "delivered":
      return device.isConnected ? device.delivered(conversationId, seq) : null;
    case "clear":
      return device.clear(conversationId);
    case "page":
      return readPage(device, conversationId, positionOf(operation.position, seq), operation.limit);
    case "walk":
      return device.walk(conversationId, operation.direction, operation.limit);
    case "list":
      return device.list();
    case "disconnect":
      await device.disconnect();
      return null;
    case "reconnect":
      await connect(world, person, device);
      return null;
    case "kick":
      return device.request((rest) => rest.delete(`/social/groups/${world.groupId}/members/${whom.userId}`));
    case "leave":
      return device.request((rest) => rest.delete(`/social/groups/${world.groupId}/members/${person.userId}`));
    case "join":
      return device.request((rest) => rest.post(`/social/groups/${world.groupId}/join`, {}));
    case "block":
      return device.do({ kind: "block", conversationId: "", whom: whom.userId }, (rest) =>
        rest.put(`/social/blacklist/${whom.userId}`),
      );
    case "unblock":
      return device.do({ kind: "unblock", conversationId: "", whom: whom.userId }, (rest) =>
        rest.delete(`/social/blacklist/${whom.userId}`),
      );
    default:
      return task.message ? change(device, operation.op, task.message, text) : null;
  }
}

type Change = "recall" | "edit" | "delete" | "react" | "unreact";

function change(device: PersonDevice, op: Change, message: MessageRef, text: string): Promise<Reply<Message>> {
  if (op === "recall") return device.recall(message);
  if (op === "edit") return device.edit(message, text);
  if (op === "delete") return device.delete(message);
  return device.react(message, "👍", op === "unreact");
}

/** A position that exists: there is no seq below 1 to look before or around. */
export function positionOf(position: Position, seq: number): { position: Position; seq: number } {
  return { position, seq: position === "afterSeq" ? seq : Math.max(1, seq) };
}

function readPage(
  device: PersonDevice,
  conversationId: string,
  { position, seq }: ReturnType<typeof positionOf>,
  limit: number,
): Promise<Reply<Walk["pages"][number]>> {
  const where = position === "newest" ? "" : `&${position}=${seq}`;
  return device.request((rest) => rest.get(`/messages/conversations/${conversationId}/history?limit=${limit}${where}`));
}
