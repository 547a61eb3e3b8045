import { Transporters, type ServiceBroker } from "moleculer";
import { headers, type Msg } from "nats";
import { openNats, type NatsLink } from "../nats/connection.ts";
import { cut, PartCollector } from "./parts.ts";

const PART_HEADER = "Im-Part";
/** Kept free for the header of a message that is a part. */
const HEADER_BYTES = 1_024;
const DEFAULT_MAX_PAYLOAD = 1_048_576;
/** Of one packet. Nothing that the product sends comes near it. */
const MAX_PACKET_BYTES = 64 * 1_048_576;

/**
 * Moleculer's transporter for NATS on a connection of our own: one that comes back by itself for ever, fails calls to other
 * nodes at once while it is away, greets them again when it is back, and shows its URL (with a password in it) to nobody.
 * Packets that are too large for one message travel in parts, in the order of all others.
 */
export class NatsTransporter extends Transporters.NATS {
  readonly #url: string;
  #link: NatsLink | null = null;

  constructor(natsUrl: string) {
    super();
    this.#url = natsUrl;
    // The client knows the password; operators can look at all that is enumerable here.
    Object.defineProperty(this, "client", { value: null, writable: true, enumerable: false });
  }

  /**
   * Connects, before the broker asks for it: what it asks for it tries again and again whatever else happens.
   * @throws Error of one line, within 5 s
   */
  async open(broker: ServiceBroker): Promise<void> {
    this.#link = await openNats(this.#url, `im-bus ${broker.nodeID}`);
  }

  /** @throws Error of one line when there is no answer, within 2 s */
  async ping(): Promise<void> {
    if (!this.#link) throw new Error("NATS is not connected");
    await this.#link.ping();
  }

  override async connect(): Promise<void> {
    if (!this.#link) await this.open(this.broker);
    const link = this.#link!;
    this.client = link.client;
    let lostAt = 0;
    link.onChange((isConnected) => {
      this.connected = isConnected;
      if (!isConnected) {
        lostAt = performance.now();
        this.logger.warn(`The bus is away: NATS at ${link.address}. Calls to other nodes fail until it is back`);
        return;
      }
      this.logger.info("The bus is back", { awayMs: Math.round(performance.now() - lostAt) });
      void this.onConnected(true); // who came and went meanwhile
    });
    await this.onConnected();
  }

  override async subscribe(command: string, nodeId?: string): Promise<void> {
    const parts = new PartCollector();
    const callback = (error: Error | null, { data, headers: head }: Msg): void => {
      if (error) {
        this.logger.error(`NATS refuses "${command}" of other nodes`, error);
        return;
      }
      const packet = head?.has(PART_HEADER) ? parts.add(head.get(PART_HEADER), data) : Buffer.from(data);
      if (packet) void this.receive(command, packet);
    };
    this.#link?.client.subscribe(this.getTopicName(command, nodeId), { callback });
  }

  override async send(topic: string, data: Buffer): Promise<void> {
    const client = this.#link?.client;
    if (!client) return;
    const maxBytes = (client.info?.max_payload ?? DEFAULT_MAX_PAYLOAD) - HEADER_BYTES;
    if (data.length <= maxBytes) return client.publish(topic, data);
    if (data.length > MAX_PACKET_BYTES) throw new Error(`A packet of ${data.length} bytes is too large for the bus`);
    for (const part of cut(data, maxBytes)) {
      const head = headers();
      head.set(PART_HEADER, part.label);
      client.publish(topic, part.data, { headers: head });
    }
  }

  override async disconnect(): Promise<void> {
    const link = this.#link;
    this.#link = null;
    this.client = null;
    this.connected = false;
    await link?.close();
  }

  /** What `$node.options` and logs show of it. */
  toJSON(): { type: "NATS" } {
    return { type: "NATS" };
  }
}
