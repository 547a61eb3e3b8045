import fc from "fast-check";

interface Doer {
  readonly who: number;
  readonly device: 0 | 1;
}
interface InConversation extends Doer {
  readonly conversation: number;
}
/** `message` counts back from the newest. */
interface OnMessage extends InConversation {
  readonly message: number;
}

/**
 * What a client may do. Indexes of people, conversations and messages are taken modulo what there is, so that any list of
 * operations makes sense and a failing one can be made shorter.
 */
export type ClientOperation =
  | (InConversation & { readonly op: "send" })
  /** A key of one's own that was used before, with the same words or others. */
  | (InConversation & { readonly op: "repeat"; readonly key: number; readonly otherWords: boolean })
  | (OnMessage & { readonly op: "recall" | "edit" | "delete" | "react" | "unreact" })
  /** Up to the message, or beyond the last one when it is 0. */
  | (OnMessage & { readonly op: "read" | "delivered" })
  | (InConversation & { readonly op: "clear" })
  | (Doer & { readonly op: "kick" | "block" | "unblock"; readonly whom: number })
  | (Doer & { readonly op: "leave" | "join" | "disconnect" | "reconnect" | "list" })
  | (OnMessage & { readonly op: "page"; readonly position: Position; readonly limit: number })
  | (InConversation & { readonly op: "walk"; readonly direction: "up" | "down"; readonly limit: number });
export type Position = "newest" | "beforeSeq" | "afterSeq" | "aroundSeq";

const index = fc.nat({ max: 11 });
const doer = { who: index, device: fc.constantFrom(0 as const, 1 as const) };
const inConversation = { ...doer, conversation: index };
const onMessage = { ...inConversation, message: index };
const one = <const O extends string>(...ops: O[]) => fc.constantFrom(...ops);
const limit = fc.integer({ min: 1, max: 7 });

const sends: fc.WeightedArbitrary<ClientOperation>[] = [
  { weight: 12, arbitrary: fc.record({ op: one("send"), ...inConversation }) },
  { weight: 4, arbitrary: fc.record({ op: one("repeat"), ...inConversation, key: index, otherWords: fc.boolean() }) },
];
const changes: fc.WeightedArbitrary<ClientOperation>[] = [
  { weight: 8, arbitrary: fc.record({ op: one("recall", "edit", "delete", "react", "unreact"), ...onMessage }) },
  { weight: 5, arbitrary: fc.record({ op: one("read", "delivered"), ...onMessage }) },
  { weight: 1, arbitrary: fc.record({ op: one("clear"), ...inConversation }) },
];
const relations: fc.WeightedArbitrary<ClientOperation>[] = [
  { weight: 3, arbitrary: fc.record({ op: one("kick", "block", "unblock"), ...doer, whom: index }) },
  { weight: 5, arbitrary: fc.record({ op: one("leave", "join", "join", "disconnect", "reconnect"), ...doer }) },
];
const reads: fc.WeightedArbitrary<ClientOperation>[] = [
  { weight: 2, arbitrary: fc.record({ op: one("list"), ...doer }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: one("page"),
      ...onMessage,
      position: one("newest", "beforeSeq", "afterSeq", "aroundSeq"),
      limit,
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: one("walk"), ...inConversation, direction: one("up", "down"), limit }) },
];

export const clientOperation: fc.Arbitrary<ClientOperation> = fc.oneof(...sends, ...changes, ...relations, ...reads);
export const shape = fc.record({ people: fc.integer({ min: 2, max: 4 }), historyVisible: fc.boolean() });

/** Whether it changes who is in the group. */
export const isOfMembership = ({ op }: ClientOperation): boolean => ["kick", "leave", "join"].includes(op);
