import { setTimeout as delay } from "node:timers/promises";
import { openInTime } from "../connection.ts";
import { Device, type DeviceOptions } from "../device.ts";
import type { Random } from "../random.ts";
import { Follower } from "./follower.ts";

/** Of what a client does: the share of each that is no sending. */
export interface Mix {
  readonly read: number;
  readonly edit: number;
  readonly recall: number;
  readonly delete: number;
  readonly walk: number;
  readonly list: number;
}
export const SENDS_AND_READS: Mix = { read: 0.05, edit: 0, recall: 0, delete: 0, walk: 0, list: 0 };
export const A_BIT_OF_ALL: Mix = { read: 0.06, edit: 0.03, recall: 0.02, delete: 0.02, walk: 0.01, list: 0.02 };

export interface Pace {
  /** Between two operations in one conversation, in milliseconds. */
  readonly pauseMs: readonly [number, number];
  /** Operations of one client in one conversation at a time. */
  readonly lanes: number;
  readonly mix: Mix;
}

/** Not now, a fault of the server, a service that is away: the same again, a little later. */
const AGAIN = [3001, 9000, 9006];
/** A message that is not acknowledged for so long never will be. */
const GIVE_UP_MS = 60_000;
const SYNC_MS = [3_000, 6_000] as const;
const WALK_PAGES = [20, 50, 100];

/**
 * A client as a good library would be: it sends each message under one key until it has an answer, over another connection to
 * another gateway when the old one is gone or silent, and reads what it missed.
 */
export class LoadClient {
  readonly device: Device<Follower>;
  readonly #conversationIds: readonly string[];
  readonly #random: Random;
  readonly #pace: Pace;
  #isStopping = false;
  #isAbandoned = false;
  #connecting: Promise<void> | null = null;
  #work: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;
  /** Messages that were acknowledged. */
  answered = 0;

  constructor(options: DeviceOptions, conversationIds: readonly string[], pace: Pace, random: Random) {
    this.device = new Device({ open: openInTime, ...options }, (device) => new Follower(device, conversationIds));
    this.#conversationIds = conversationIds;
    this.#random = random;
    this.#pace = pace;
  }

  /** Works until `finish` or `abandon`. */
  start(): void {
    const lanes = this.#conversationIds.flatMap((conversationId, at) =>
      Array.from({ length: this.#pace.lanes }, (_, lane) => this.#run(conversationId, `${at}-${lane}`)),
    );
    this.#work = Promise.all(lanes);
    this.#work.catch(() => this.abandon()); // `finish` says why
    this.#syncLater();
  }

  /** Ends when all that was begun has its answer. @throws when a message was refused, or not acknowledged for too long */
  async finish(): Promise<void> {
    this.#isStopping = true;
    if (this.#timer) clearTimeout(this.#timer);
    await this.#work;
  }

  /** Ends it as it is. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#isStopping = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  async close(): Promise<void> {
    this.abandon();
    await this.#work.catch(() => undefined); // `finish` said why
    await this.device.disconnect();
  }

  #syncLater(): void {
    this.#timer = setTimeout(
      () => {
        if (this.#isStopping) return;
        if (this.device.isConnected) void this.device.view.catchUp();
        this.#syncLater();
      },
      this.#random.between(...SYNC_MS),
    ).unref();
  }

  async #run(conversationId: string, lane: string): Promise<void> {
    for (let i = 0; !this.#isStopping; i++) {
      await delay(this.#random.between(...this.#pace.pauseMs));
      if (!(await this.#doSomethingElse(conversationId, `${lane}-${i}`)))
        await this.send(conversationId, `${this.device.name}-${lane}-${i}`);
    }
  }

  /** Sends until it is acknowledged. @throws when it is refused, or takes too long */
  async send(conversationId: string, clientMsgId: string, text = `text of ${clientMsgId}`): Promise<number> {
    const end = performance.now() + GIVE_UP_MS;
    while (performance.now() < end && !this.#isAbandoned) {
      await this.connected();
      const { code, data } = await this.device.send(conversationId, clientMsgId, text);
      if (code === 0 && data) {
        this.answered++;
        return data.seq;
      }
      if (code === null) await this.#leave();
      else if (!AGAIN.includes(code)) throw new Error(`${clientMsgId} was refused with ${code}`);
      await delay(this.#random.between(50, 400));
    }
    throw new Error(`${clientMsgId} was not acknowledged`);
  }

  /** Waits for a connection, to whichever gateway lets it in. */
  connected(): Promise<void> {
    if (this.device.isConnected) return Promise.resolve();
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = null));
    return this.#connecting;
  }

  async #connect(): Promise<void> {
    while (!this.#isAbandoned) {
      if (await this.device.connectRecorded()) return;
      this.device.moveOn();
      await delay(this.#random.between(50, 300));
    }
  }

  /** A gateway that does not answer is left for another one. */
  async #leave(): Promise<void> {
    if (!this.device.isConnected) return;
    this.device.moveOn();
    await this.device.disconnect();
  }

  async #doSomethingElse(conversationId: string, key: string): Promise<boolean> {
    const { device } = this;
    const { mix } = this.#pace;
    const kinds = Object.keys(mix) as (keyof Mix)[];
    let chance = this.#random.next();
    const kind = kinds.find((one) => (chance -= mix[one]) < 0);
    const own = device.view.ownOf(conversationId);
    const message = own[Math.floor(own.length * this.#random.next())];
    if (kind === undefined || !message) return false;
    await this.connected();
    if (kind === "read") await device.read(conversationId, device.view.newestOf(conversationId));
    else if (kind === "list") await device.list();
    else if (kind === "walk")
      await device.walk(conversationId, this.#random.chance(0.5) ? "up" : "down", this.#random.pick(WALK_PAGES));
    else if (kind === "edit") await device.edit(message, `${key} otherwise`);
    else {
      device.view.forget(message);
      await (kind === "recall" ? device.recall(message) : device.delete(message));
    }
    return true;
  }
}
