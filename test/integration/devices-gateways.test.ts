import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Config } from "../../config/config.ts";
import type { Device } from "../../contracts/entities.ts";
import type { DeviceType } from "../../contracts/services/auth.ts";
import { PASSWORD, uniqueName } from "../support/accounts.ts";
import { dataOf, Refused, type Client } from "../support/client.ts";
import { startGateways, type Gateways, type TestGateway } from "../support/gateways.ts";
import { reasonToSkip } from "../support/servers.ts";
import { waitFor } from "../support/wait.ts";

const skip = await reasonToSkip("redis");
/** An ending reaches every gateway within this time. */
const ENDING_MS = 5_000;

interface Login {
  readonly accessToken: string;
}

async function register({ api }: TestGateway): Promise<string> {
  const username = uniqueName();
  await dataOf(api().post("/users/register", { username, password: PASSWORD }));
  return username;
}

/** Signs in through a gateway. */
const signIn = async (
  { api }: TestGateway,
  username: string,
  deviceId: string,
  deviceType: DeviceType = "web",
): Promise<string> =>
  (await dataOf(api().post<Login>("/users/login", { username, password: PASSWORD, deviceId, deviceType }))).accessToken;

async function assertEnded(client: Client, reason: string): Promise<void> {
  await waitFor(() => !client.socket.connected, `the connection to end (${reason})`, ENDING_MS);
  assert.deepEqual(client.of("session:ended"), [{ code: 1004, reason }]);
}

describe("devices on several gateways", { skip }, () => {
  let gateways: Gateways;
  let [one, two] = [] as unknown as [TestGateway, TestGateway];
  before(async () => {
    gateways = await startGateways();
    [one, two] = gateways.gateways;
  });
  after(() => gateways?.[Symbol.asyncDispose]());

  it("are listed with who is online and which one asks, wherever they are connected", async () => {
    const username = await register(one);
    const phone = await signIn(one, username, "phone", "ios");
    const laptop = await signIn(two, username, "laptop", "desktop");
    await using _ = await two.connect(phone);
    const { items } = await dataOf(one.api(laptop).get<{ items: Device[] }>("/users/me/devices"));
    const shown = items.map(({ deviceId, online, current }) => ({ deviceId, online, current }));
    assert.deepEqual(
      shown.toSorted((a, b) => (a.deviceId < b.deviceId ? -1 : 1)),
      [
        { deviceId: "laptop", online: false, current: true },
        { deviceId: "phone", online: true, current: false },
      ],
    );
    for (const { lastSeenAt } of items) assert.ok(Math.abs(lastSeenAt - Date.now()) < 60_000);
  });

  it("one that is ended is cut off on every gateway, and the others stay", async () => {
    const username = await register(one);
    const phone = await signIn(one, username, "phone", "ios");
    const laptop = await signIn(one, username, "laptop", "desktop");
    const cut = [await one.connect(phone), await two.connect(phone)];
    const stays = [await one.connect(laptop), await two.connect(laptop)];
    assert.equal((await two.api(laptop).delete("/users/me/devices/phone")).status, 200);
    for (const client of cut) await assertEnded(client, "removed");
    assert.equal((await one.api(phone).get("/users/me")).code, 1004);
    await assert.rejects(two.connect(phone), (error) => error instanceof Refused && error.data?.code === 1004);
    for (const { socket } of stays) assert.ok(socket.connected);
    assert.equal((await two.api(laptop).delete("/users/me/devices/phone")).status, 404);
  });

  it("one that is ended is cut off in time by a gateway that nobody told", async () => {
    const username = await register(one);
    const phone = await signIn(one, username, "phone", "ios");
    const laptop = await signIn(one, username, "laptop", "desktop");
    const cut = await two.connect(phone);
    const { broker } = gateways.core;
    const broadcast = broker.broadcast.bind(broker);
    broker.broadcast = (name: string, ...rest: unknown[]) =>
      name === "session.ended" ? Promise.resolve() : broadcast(name, ...(rest as [unknown]));
    try {
      await dataOf(one.api(laptop).delete("/users/me/devices/phone"));
      await assertEnded(cut, "removed");
    } finally {
      broker.broadcast = broadcast;
    }
  });

  it("signing in again with the same device replaces its session on the other gateway", async () => {
    const username = await register(one);
    const before = await two.connect(await signIn(one, username, "laptop"));
    const now = await one.connect(await signIn(two, username, "laptop"));
    await assertEnded(before, "replaced");
    assert.ok(now.socket.connected);
  });

  it("of one device that signs in on both gateways at once, one session and its connections stay", async () => {
    const username = await register(one);
    const tokens = await Promise.all(Array.from({ length: 4 }, (_, i) => signIn([one, two][i % 2]!, username, "laptop")));
    const clients = await Promise.all(tokens.map((token, i) => [two, one][i % 2]!.connect(token).catch(() => null)));
    await waitFor(() => clients.filter((client) => client?.socket.connected).length === 1, "one to be left", ENDING_MS);
    const last = tokens[clients.findIndex((client) => client?.socket.connected)]!;
    const { items } = await dataOf(one.api(last).get<{ items: Device[] }>("/users/me/devices"));
    assert.deepEqual(
      items.map(({ deviceId, current }) => [deviceId, current]),
      [["laptop", true]],
    );
  });

  it("a sixth connection is refused, on whichever gateways the five are", async () => {
    const username = await register(one);
    const token = await signIn(one, username, "laptop");
    const clients = [one, two, one, two, two].map((gateway) => gateway.connect(token));
    const open = await Promise.all(clients);
    for (const gateway of [one, two])
      await assert.rejects(gateway.connect(token), (error) => error instanceof Refused && error.data?.code === 1008);
    await open[0]!.close();
    const isFree = (): Promise<boolean> =>
      two.connect(token).then(
        () => true,
        () => false,
      );
    await waitFor(isFree, "a place to be free");
  });

  it("hear of what one of them changes, each once, on both gateways", async () => {
    const [mine, theirs] = [await register(one), await register(two)];
    const [phone, laptop] = [await signIn(one, mine, "phone", "ios"), await signIn(one, mine, "laptop")];
    const other = await signIn(two, theirs, "phone", "android");
    const conversationId = await befriend(one, phone, other);
    const [onPhone, onLaptop] = [await one.connect(phone), await two.connect(laptop)];
    const onOther = await two.connect(other);
    await dataOf(two.api(phone).put(`/social/conversations/${conversationId}`, { pinned: true, draft: "dear" }));
    for (const client of [onPhone, onLaptop]) {
      const { pinned, draft } = await client.next<{ pinned: boolean; draft: string }>("conversation:updated");
      assert.deepEqual([pinned, draft], [true, "dear"]);
    }
    const text = { conversationId, clientMsgId: "one", type: "text", content: { text: "hello" } };
    const { seq } = await onOther.ok<{ seq: number }>("message:send", text);
    await onPhone.ok("message:read", { conversationId, seq });
    await onLaptop.next<{ readSeq?: number }>("conversation:updated", ({ readSeq }) => readSeq === seq);
    await onOther.next<{ seq: number }>("receipt:read", (receipt) => receipt.seq === seq);
    assert.equal(onPhone.of("conversation:updated").length, 1, "what read it knows");
    assert.deepEqual(onOther.of("conversation:updated"), []);
  });
});

async function befriend(gateway: TestGateway, a: string, b: string): Promise<string> {
  const { userId } = await dataOf(gateway.api(b).get<{ userId: string }>("/users/me"));
  const { requestId } = await dataOf(gateway.api(a).post<{ requestId: string }>("/social/friends/request", { userId }));
  await dataOf(gateway.api(b).put(`/social/friends/request/${requestId}`, { action: "accept" }));
  return (await dataOf(gateway.api(a).post<{ conversationId: string }>("/social/conversations", { userId }))).conversationId;
}

describe("the kick policy on several gateways", { skip }, () => {
  /** The devices that are left when an Android phone has signed in last; the connections of those that are `gone` have ended. */
  async function left(kickPolicy: Config["kickPolicy"], gone: readonly string[]): Promise<string[]> {
    await using gateways = await startGateways({ kickPolicy });
    const [one, two] = gateways.gateways;
    const username = await register(one);
    const clients = new Map<string, Client>();
    for (const [deviceId, deviceType, gateway] of [
      ["browser", "web", one],
      ["iphone", "ios", two],
      ["laptop", "desktop", two],
    ] as const)
      clients.set(deviceId, await gateway.connect(await signIn(one, username, deviceId, deviceType)));
    const token = await signIn(two, username, "android", "android");
    for (const deviceId of gone) await assertEnded(clients.get(deviceId)!, "kicked");
    const { items } = await dataOf(one.api(token).get<{ items: Device[] }>("/users/me/devices"));
    const connected = [...clients].filter(([, { socket }]) => socket.connected).map(([deviceId]) => deviceId);
    assert.deepEqual(connected, items.flatMap(({ deviceId, online }) => (online ? [deviceId] : [])).sort());
    return items.map(({ deviceId }) => deviceId).sort();
  }

  it("none lets all live together", async () => {
    assert.deepEqual(await left("none", []), ["android", "browser", "iphone", "laptop"]);
  });
  it("class leaves one of each class", async () => {
    assert.deepEqual(await left("class", ["iphone"]), ["android", "browser", "laptop"]);
  });
  it("all leaves the one that signed in last", async () => {
    assert.deepEqual(await left("all", ["browser", "iphone", "laptop"]), ["android"]);
  });
});
