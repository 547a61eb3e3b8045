import type { Conversation, HistoryItem, Message, SendResult } from "../../contracts/entities.ts";
import { api, connectClient, type Client, type RestAnswer, type RestClient } from "../support/client.ts";
import type { Answers, Deed, History, Kind, Listed, Reply, Walk } from "./history.ts";
import { Picture } from "./picture.ts";

export interface DeviceOptions {
  readonly history: History;
  readonly url: string;
  readonly userId: string;
  readonly token: string;
  readonly name: string;
}
/** What a change needs to know of its message. */
export type MessageRef = Pick<Message, "messageId" | "conversationId" | "seq">;
const ACK_TIMEOUT_MS = 10_000;
type Page = Walk["pages"][number];
type Own = "userId" | "connection";
/** A deed without who does it. */
type Named<D extends Deed = Deed> = D extends Deed ? Omit<D, Own> : never;
interface Way {
  readonly event: string;
  readonly payload: object;
  rest(client: RestClient): Promise<RestAnswer<unknown>>;
}

/**
 * A device that writes down all that it does and sees. What it does goes over its socket, over REST when it has none. Its
 * operations never reject: an answer that did not come is `code: null`.
 */
export class Device {
  readonly userId: string;
  readonly name: string;
  readonly picture: Picture;
  readonly rest: RestClient;
  readonly #options: DeviceOptions;
  #client: Client | null = null;
  #connections = 0;

  constructor(options: DeviceOptions) {
    this.#options = options;
    this.userId = options.userId;
    this.name = options.name;
    this.rest = api(options.url, options.token);
    this.picture = new Picture(options.userId, async (conversationId) => {
      const { pages } = await readPages(this.rest, conversationId, "up", 100);
      const messages = pages.flatMap(({ items }) => items).filter((item) => "messageId" in item);
      return { messages, minSeq: Math.max(...pages.map(({ minSeq }) => minSeq)) };
    });
  }

  get isConnected(): boolean {
    return this.#client?.socket.connected === true;
  }

  /** Connects, then reads the conversations, so that nothing falls in between. */
  async connect(conversationIds: readonly string[]): Promise<void> {
    const { history, url, token } = this.#options;
    const client = await connectClient(url, { token });
    const connection = `${this.name}#${++this.#connections}`;
    const take = (event: string, payload: Record<string, unknown>): void => {
      history.observe({ userId: this.userId, connection, event, payload });
      this.picture.take(event, payload);
    };
    this.#client = client;
    for (const conversationId of conversationIds) void this.picture.load(conversationId);
    for (const { event, payload } of client.received) take(event, payload);
    client.socket.onAny(take);
    await this.picture.idle();
  }

  /** @throws when the server had sent what breaks its contract */
  async disconnect(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.close();
  }

  async send(conversationId: string, clientMsgId: string, text: string): Promise<Reply<SendResult>> {
    const payload = { conversationId, clientMsgId, type: "text", content: { text } };
    const overSocket = this.isConnected;
    const reply = await this.#record({ kind: "send", conversationId, clientMsgId, text }, (data: SendResult) => data, {
      event: "message:send",
      payload,
      rest: (client) => client.post("/messages", payload),
    });
    if (overSocket && reply.data) this.picture.sent({ ...reply.data, senderId: this.userId, content: { text } });
    return reply;
  }

  recall({ conversationId, messageId }: MessageRef): Promise<Reply<Message>> {
    return this.#record({ kind: "recall", conversationId, messageId }, () => null, {
      event: "message:recall",
      payload: { messageId },
      rest: (client) => client.post(`/messages/${messageId}/recall`),
    });
  }

  edit({ conversationId, messageId }: MessageRef, text: string): Promise<Reply<Message>> {
    return this.#record({ kind: "edit", conversationId, messageId, text }, () => null, {
      event: "message:edit",
      payload: { messageId, content: { text } },
      rest: (client) => client.put(`/messages/${messageId}/edit`, { content: { text } }),
    });
  }

  delete({ conversationId, messageId, seq }: MessageRef): Promise<Reply<Message>> {
    return this.#record({ kind: "delete", conversationId, messageId, seq }, () => null, {
      event: "message:delete",
      payload: { messageId },
      rest: (client) => client.delete(`/messages/${messageId}`),
    });
  }

  react({ messageId }: MessageRef, emoji: string, remove: boolean): Promise<Reply<Message>> {
    return this.#ask({
      event: "message:react",
      payload: { messageId, emoji, remove },
      rest: (client) =>
        remove
          ? client.delete(`/messages/${messageId}/reactions/${encodeURIComponent(emoji)}`)
          : client.post(`/messages/${messageId}/reactions`, { emoji }),
    });
  }

  read(conversationId: string, seq: number): Promise<Reply<{ seq: number }>> {
    return this.#record({ kind: "read", conversationId, seq }, (data: { seq: number }) => data, {
      event: "message:read",
      payload: { conversationId, seq },
      rest: (client) => client.put(`/social/conversations/${conversationId}/read`, { seq }),
    });
  }

  /** Over the socket only. */
  delivered(conversationId: string, seq: number): Promise<Reply<{ seq: number }>> {
    return this.#record({ kind: "delivered", conversationId, seq }, (data: { seq: number }) => data, {
      event: "message:delivered",
      payload: { conversationId, seq },
      rest: () => Promise.reject(new Error("not connected")),
    });
  }

  clear(conversationId: string): Promise<Reply<null>> {
    const work = () => this.request((client) => client.delete<null>(`/social/conversations/${conversationId}/messages`));
    return this.#options.history.record(this.#mine({ kind: "clear", conversationId }), work, () => null);
  }

  /** The whole history, page by page. */
  async walk(conversationId: string, direction: Walk["direction"], limit: number): Promise<Reply<Walk>> {
    const work = async (): Promise<Reply<Walk>> => {
      try {
        return { code: 0, data: await readPages(this.rest, conversationId, direction, limit) };
      } catch (error) {
        if (error instanceof Refusal) return { code: error.code };
        return { code: null };
      }
    };
    return this.#options.history.record(this.#mine({ kind: "walk", conversationId }), work, (data) => data);
  }

  list(): Promise<Reply<Listed[]>> {
    const work = async (): Promise<Reply<Listed[]>> => {
      const { code, data } = await this.request((client) =>
        client.get<{ items: Conversation[] }>("/social/conversations?limit=100"),
      );
      return { code, data: data?.items };
    };
    return this.#options.history.record(this.#mine({ kind: "list", conversationId: "" }), work, (data) => data);
  }

  /** A REST call that is not written down. */
  async request<T>(ask: (client: RestClient) => Promise<RestAnswer<T>>): Promise<Reply<T>> {
    try {
      const { code, data } = await ask(this.rest);
      return { code, data };
    } catch {
      return { code: null };
    }
  }

  #record<T>(deed: Named, answerOf: (data: T) => Answers[Kind], way: Way): Promise<Reply<T>> {
    return this.#options.history.record(this.#mine(deed), () => this.#ask<T>(way), answerOf);
  }

  /** A request over REST is a connection of its own: only a socket promises an order. */
  #mine(deed: Named): Deed {
    const { isConnected, name, userId } = this;
    const connection = isConnected ? `${name}#${this.#connections}` : `${name}#rest-${this.#options.history.now().order}`;
    return { ...deed, userId, connection };
  }

  async #ask<T>({ event, payload, rest }: Way): Promise<Reply<T>> {
    const client = this.#client;
    if (!client || !this.isConnected) return this.request(rest as (client: RestClient) => Promise<RestAnswer<T>>);
    const { history } = this.#options;
    // What arrives together is handled in one turn, before anything that waits for a promise: the moment is taken here.
    return new Promise((resolve) => {
      client.socket.timeout(ACK_TIMEOUT_MS).emit(event, payload, (error: Error | null, answer?: Reply<T>) => {
        resolve({ ...(error || !answer ? { code: null } : answer), at: history.now() });
      });
    });
  }
}

/** An answer with an error. */
class Refusal extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`refused with ${code}`);
    this.code = code;
  }
}

/** Reads a history to its end, from either end. @throws Refusal */
export async function readPages(
  rest: RestClient,
  conversationId: string,
  direction: Walk["direction"],
  limit: number,
): Promise<Walk> {
  const pages: Page[] = [];
  for (let position = direction === "up" ? "afterSeq=0" : ""; ;) {
    const path = `/messages/conversations/${conversationId}/history?limit=${limit}&${position}`;
    const { code, data } = await rest.get<Page>(path);
    if (code !== 0) throw new Refusal(code);
    pages.push(data);
    const edge = direction === "up" ? lastSeqOf(data.items.at(-1)) : data.items[0]?.seq;
    if (edge === undefined) return { direction, pages };
    position = direction === "up" ? `afterSeq=${edge}` : `beforeSeq=${edge}`;
  }
}

const lastSeqOf = (item: HistoryItem | undefined): number | undefined => (item && "toSeq" in item ? item.toSeq : item?.seq);
