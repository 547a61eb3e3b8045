import type { Conversation, Message, SendResult } from "../../contracts/entities.ts";
import { api, connectClient, type Client, type RestAnswer, type RestClient } from "../support/client.ts";
import type { Answers, Deed, History, Kind, Listed, Reply, Walk } from "./history.ts";
import { Picture } from "./picture.ts";
import { readPages, Refusal } from "./read-pages.ts";

export type Connection = Pick<Client, "socket" | "received" | "close">;
/** What a device makes of what it hears. */
export interface View {
  /** Something was pushed. */
  take(event: string, payload: Readonly<Record<string, unknown>>): void;
  /** The device's own message, from the answer. */
  sent(message: Pick<Message, "conversationId" | "messageId" | "seq" | "senderId" | "content">): void;
  /** A connection was made, and nothing that it brings is lost from now on. */
  connected(conversationIds: readonly string[]): Promise<void>;
}
export interface DeviceOptions {
  readonly history: History;
  /** Gateways; it uses the first one until it moves on. */
  readonly urls: readonly [string, ...string[]];
  readonly userId: string;
  readonly token: string;
  readonly name: string;
  /** Makes a connection; rejects when it cannot. */
  readonly open?: (url: string, token: string) => Promise<Connection>;
}
/** What a change needs to know of its message. */
export type MessageRef = Pick<Message, "messageId" | "conversationId" | "seq">;
/** Longer than any answer may take, so that one that does shows. */
const ANSWER_TIMEOUT_MS = 10_000;
type Own = "userId" | "connection" | "gateway";
/** A deed without who does it. */
type Named<D extends Deed = Deed> = D extends Deed ? Omit<D, Own> : never;
interface Way {
  readonly event: string;
  readonly payload: object;
  rest(client: RestClient): Promise<RestAnswer<unknown>>;
}
const connectPlainly = (url: string, token: string): Promise<Connection> => connectClient(url, { token });

/** A device that shows what a simple client would. */
export function picturingDevice(options: DeviceOptions): Device<Picture> {
  return new Device(options, (device) => {
    const read = async (conversationId: string) => {
      const { pages } = await readPages(device.rest, conversationId, "up", 100);
      const messages = pages.flatMap(({ items }) => items).filter((item) => "messageId" in item);
      return { messages, minSeq: Math.max(...pages.map(({ minSeq }) => minSeq)), maxSeq: pages.at(-1)?.maxSeq ?? 0 };
    };
    return new Picture(options.userId, read);
  });
}

/**
 * A device that writes down all that it does and sees. What it does goes over its socket, over REST when it has none. Its
 * operations never reject: an answer that did not come is `code: null`.
 */
export class Device<V extends View = View> {
  readonly userId: string;
  readonly name: string;
  readonly view: V;
  readonly #options: DeviceOptions;
  #client: Connection | null = null;
  #connecting: Promise<void> | null = null;
  #connections = 0;
  #gateway = 0;

  constructor(options: DeviceOptions, makeView: (device: Device) => V) {
    this.#options = options;
    this.userId = options.userId;
    this.name = options.name;
    this.view = makeView(this);
  }

  get isConnected(): boolean {
    return this.#client?.socket.connected === true;
  }

  /** The name of its last connection, `<device>#<number>`; there is none before the first. */
  get connection(): string {
    return `${this.name}#${this.#connections}`;
  }

  /** The gateway that it uses now. */
  get url(): string {
    const { urls } = this.#options;
    return urls[this.#gateway % urls.length]!;
  }

  get rest(): RestClient {
    return api(this.url, this.#options.token);
  }

  /** The next connection, and the next request without one, go to another gateway. */
  moveOn(): void {
    this.#gateway++;
  }

  /**
   * Connects, then reads the conversations, so that nothing falls in between; who calls it while a connection is being made waits
   * for that one.
   * @throws when it cannot
   */
  connect(conversationIds: readonly string[]): Promise<void> {
    this.#connecting ??= this.#connect(conversationIds);
    return this.#connecting;
  }

  async #connect(conversationIds: readonly string[]): Promise<void> {
    const { history, token, open = connectPlainly } = this.#options;
    const client = await open(this.url, token).finally(() => (this.#connecting = null));
    this.#connections++;
    const { connection } = this;
    const take = (event: string, payload: Record<string, unknown>): void => {
      history.observe({ userId: this.userId, connection, event, payload });
      this.view.take(event, payload);
    };
    this.#client = client;
    const isRead = this.view.connected(conversationIds);
    for (const { event, payload } of client.received) take(event, payload);
    client.socket.onAny(take);
    await isRead;
  }

  /** Connects, as an operation of the history. @returns whether it did */
  async connectRecorded(conversationIds: readonly string[] = []): Promise<boolean> {
    const work = () =>
      this.connect(conversationIds).then(
        () => ({ code: 0 }),
        (error: unknown) => ({ code: codeOf(error) }),
      );
    const deed = this.#mine({ kind: "connect", conversationId: "" });
    return (await this.#options.history.record(deed, work, () => null)).code === 0;
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
    if (overSocket && reply.data) this.view.sent({ ...reply.data, senderId: this.userId, content: { text } });
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
  walk(conversationId: string, direction: Walk["direction"], limit: number): Promise<Reply<Walk>> {
    const work = () =>
      this.#answered(async () => ({ code: 0, data: await readPages(this.rest, conversationId, direction, limit) }));
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

  /** Whatever has no method of its own. */
  do(deed: Named, ask: (client: RestClient) => Promise<RestAnswer<unknown>>): Promise<Reply<unknown>> {
    return this.#options.history.record(
      this.#mine(deed),
      () => this.request(ask),
      () => null,
    );
  }

  /** A REST call that is not written down. */
  request<T>(ask: (client: RestClient) => Promise<RestAnswer<T>>): Promise<Reply<T>> {
    return this.#answered(async () => {
      const { code, data } = await ask(this.rest);
      return { code, data };
    });
  }

  /** `code: null` when there is no answer in time. */
  async #answered<T>(ask: () => Promise<Reply<T>>): Promise<Reply<T>> {
    const { promise: isLate, resolve } = Promise.withResolvers<Reply<T>>();
    const timer = setTimeout(resolve, ANSWER_TIMEOUT_MS, { code: null });
    const asked = ask().catch((error: unknown): Reply<T> => ({ code: error instanceof Refusal ? error.code : null }));
    return Promise.race([asked, isLate]).finally(() => clearTimeout(timer));
  }

  #record<T>(deed: Named, answerOf: (data: T) => Answers[Kind], way: Way): Promise<Reply<T>> {
    return this.#options.history.record(this.#mine(deed), () => this.#ask<T>(way), answerOf);
  }

  /** A request over REST is a connection of its own: only a socket promises an order. */
  #mine(deed: Named): Deed {
    const { isConnected, name, userId, url: gateway } = this;
    const connection = isConnected ? this.connection : `${name}#rest-${this.#options.history.now().order}`;
    return { ...deed, userId, connection, gateway };
  }

  async #ask<T>({ event, payload, rest }: Way): Promise<Reply<T>> {
    const client = this.#client;
    if (!client || !this.isConnected) return this.request(rest as (client: RestClient) => Promise<RestAnswer<T>>);
    const { history } = this.#options;
    // What arrives together is handled in one turn, before anything that waits for a promise: the moment is taken here.
    return new Promise((resolve) => {
      client.socket.timeout(ANSWER_TIMEOUT_MS).emit(event, payload, (error: Error | null, answer?: Reply<T>) => {
        resolve({ ...(error || !answer ? { code: null } : answer), at: history.now() });
      });
    });
  }
}

/** Of a refused handshake; null when there was no answer. */
const codeOf = (error: unknown): number | null => (error as { data?: { code?: number } }).data?.code ?? null;
