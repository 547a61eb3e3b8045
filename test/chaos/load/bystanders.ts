import { setTimeout as delay } from "node:timers/promises";
import { openInTime } from "../connection.ts";
import { Device, type View } from "../device.ts";
import type { History } from "../history.ts";
import type { Account, PeopleConversation } from "../people.ts";
import { startingAt } from "./load.ts";

export interface BystanderOptions {
  readonly history: History;
  readonly gateways: readonly [string, ...string[]];
  /** In no conversation at all. */
  readonly outsider: Account;
  /** In the group, until its owner removes them. */
  readonly leaver: Account;
  readonly group: PeopleConversation;
  /** A sign-in of its own, of somebody who has others. */
  readonly second: Account;
}

const EVERY_MS = 600;
const NOWHERE = { conversationId: "" };
const attentive = (): View => ({ take: () => undefined, sent: () => undefined, connected: async () => undefined });

/**
 * Those who are to get nothing: one who never had a part in the group, one who is removed from it, and a session that is ended.
 * They ask on and on, at all gateways, and listen.
 */
export class Bystanders {
  readonly #options: BystanderOptions;
  readonly #outsider: Device;
  readonly #leaver: Device;
  readonly #second: Device;
  readonly #owner: Device;
  #isStopping = false;
  #work: Promise<unknown> = Promise.resolve();

  constructor(options: BystanderOptions) {
    this.#options = options;
    const { group, outsider, leaver, second } = options;
    this.#outsider = this.#deviceOf(outsider, outsider.username, 0);
    this.#leaver = this.#deviceOf(leaver, leaver.username, 1);
    this.#second = this.#deviceOf(second, `${second.username}-second`, 1);
    this.#owner = this.#deviceOf(group.of[0]!, `${group.of[0]!.username}-owner`, 0);
  }

  start(): void {
    const { conversationId } = this.#options.group;
    const lives = [
      this.#live(this.#outsider, () => this.#outsider.walk(conversationId, "up", 100)),
      this.#live(this.#leaver, () => this.#leaver.walk(conversationId, "down", 100)),
      this.#live(this.#second, () =>
        this.#second.do({ kind: "request", ...NOWHERE, what: "who I am" }, (rest) => rest.get("/users/me")),
      ),
    ];
    this.#work = Promise.all(lives);
  }

  /** The leaver is removed and the second session ends, however often that has to be asked for. Ends when the load ends. */
  async change(): Promise<void> {
    await Promise.all([this.#remove(), this.#logOut()]);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#work;
    await Promise.all([this.#outsider, this.#leaver, this.#second].map((device) => device.disconnect()));
  }

  #deviceOf({ userId, accessToken: token }: Account, name: string, index: number): Device {
    const { history, gateways } = this.#options;
    return new Device({ history, urls: startingAt(gateways, index), userId, token, name, open: openInTime }, attentive);
  }

  /** Asks in turn at each gateway, with a connection whenever it is let in. */
  async #live(device: Device, ask: () => Promise<unknown>): Promise<void> {
    while (!this.#isStopping) {
      if (!device.isConnected) {
        device.moveOn();
        await device.connectRecorded();
      }
      await ask();
      await delay(EVERY_MS);
    }
  }

  async #remove(): Promise<void> {
    const { group, leaver } = this.#options;
    const path = `/social/groups/${group.groupId}/members/${leaver.userId}`;
    const deed = { kind: "remove", conversationId: group.conversationId, whom: leaver.userId } as const;
    // Not found: an earlier try was not answered, and did it.
    await this.#until(this.#owner, (device) => device.do(deed, (rest) => rest.delete(path)), [0, 4002]);
  }

  async #logOut(): Promise<void> {
    const deed = { kind: "endSession", ...NOWHERE, devices: [this.#second.name] } as const;
    await this.#until(this.#second, (device) => device.do(deed, (rest) => rest.post("/auth/logout", {})), [0, 1004]);
  }

  async #until(
    device: Device,
    ask: (device: Device) => Promise<{ code: number | null }>,
    codes: readonly number[],
  ): Promise<void> {
    for (;;) {
      const { code } = await ask(device);
      if (codes.includes(code ?? -1) || this.#isStopping) return;
      device.moveOn();
      await delay(EVERY_MS);
    }
  }
}
