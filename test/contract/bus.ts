import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import { Errors, type Context, type ServiceSchema } from "moleculer";
import { errorTable, type ErrorType } from "../../contracts/errors.ts";
import type { Meta } from "../../contracts/meta.ts";
import { imError, isExpected, isImError, toWireError } from "../../lib/errors.ts";
import { broadcast, call, emit } from "../../lib/service.ts";
import { standInServices, type StandIns } from "../support/edge.ts";
import { createNode, type NodeOptions, type TestNode } from "../support/node.ts";
import { userNamed } from "../support/neighbours.ts";
import { waitFor } from "../support/wait.ts";

interface Nodes extends AsyncDisposable {
  /** Runs none of the services of the others. */
  readonly near: TestNode;
  readonly far: TestNode;
}

const isKnown = ({ broker }: TestNode, service: string): boolean =>
  broker.registry.getServiceList({ onlyAvailable: true }).some(({ name }) => name === service);

/** Whatever an action of the far node throws. */
async function thrown(work: Promise<unknown>): Promise<Errors.MoleculerError> {
  try {
    await work;
  } catch (error) {
    return error as Errors.MoleculerError;
  }
  throw new Error("it did not fail");
}

/**
 * What services rely on when they run on different nodes (design §2).
 * @param options what makes nodes find each other by this bus
 */
export function testBus(name: string, options: NodeOptions): void {
  /** Two nodes that have found each other, in a namespace of their own. */
  async function createNodes(far: readonly ServiceSchema[], near: readonly ServiceSchema[] = []): Promise<Nodes> {
    const ofBoth = { ...options, broker: { ...options.broker, namespace: `bus-${randomUUID()}` } };
    const [nearNode, farNode] = await Promise.all([createNode(near, ofBoth), createNode(far, ofBoth)]);
    const nodes = { near: nearNode, far: farNode };
    const names = (services: readonly ServiceSchema[]): string[] => services.map((service) => service.name);
    await nodes.near.broker.waitForServices(names(far), 10_000, 20);
    await nodes.far.broker.waitForServices(names(near), 10_000, 20);
    return {
      ...nodes,
      async [Symbol.asyncDispose]() {
        await Promise.all([nodes.near.stop(), nodes.far.stop()]);
      },
    };
  }
  const standIns = (handlers: StandIns, ...names: string[]): ServiceSchema[] => standInServices(handlers, names);

  // Finding each other takes a second in which nothing else happens.
  describe(`bus: ${name}`, { concurrency: true }, () => {
    it("carries every error of the table with its type, status, data and whether to try again", async () => {
      const types = Object.keys(errorTable) as ErrorType[];
      const data = { fields: [{ field: "userId", message: "is \u0000 bad" }], retryAfterMs: 5 };
      await using nodes = await createNodes(
        standIns(
          { "user.get": (ctx) => Promise.reject(imError(types[Number(ctx.params["userId"]) - 1] as ErrorType, data)) },
          "user",
        ),
      );
      for (const [index, type] of types.entries()) {
        const error = await thrown(call(nodes.near.broker, "user.get", { userId: String(index + 1) }));
        assert.ok(isImError(error, type), type);
        const { status, retryable } = errorTable[type];
        assert.deepEqual([error.code, error.retryable, error.data], [status, retryable, data], type);
        assert.deepEqual(toWireError(error, "zh"), toWireError(imError(type, data), "zh"), type);
        assert.equal(isExpected(error), type !== "INTERNAL");
      }
    });

    it("makes nothing known of errors that are no answers", async () => {
      const failures: Record<string, unknown> = {
        "1": new TypeError("select * from secret"),
        "2": new Errors.MoleculerError("boom", 418, "TEAPOT", { path: "/srv" }),
        "3": Object.assign(new Error("boom"), { type: "VALIDATION_", data: { stack: 1 } }),
      };
      await using nodes = await createNodes(
        standIns({ "user.get": (ctx) => Promise.reject(failures[String(ctx.params["userId"])] as Error) }, "user"),
      );
      for (const userId of Object.keys(failures)) {
        const error = await thrown(call(nodes.near.broker, "user.get", { userId }));
        assert.deepEqual(toWireError(error), toWireError(imError("INTERNAL")), userId);
        assert.equal(isExpected(error), false);
      }
    });

    it("checks params where the action runs, and names the fields", async () => {
      await using nodes = await createNodes(standIns({}, "user"));
      const error = await thrown(call(nodes.near.broker, "user.get", { userId: "0", more: 1 } as never));
      assert.ok(isImError(error, "VALIDATION"));
      const { fields } = error.data as { fields: { field: string }[] };
      assert.deepEqual(fields.map(({ field }) => field).sort(), ["more", "userId"]);
    });

    it("carries who and which request there, and what an action says about it back", async () => {
      const handlers: StandIns = {
        "message.send": async (ctx) => {
          const inner = await call(ctx, "user.exportMe", {});
          ctx.meta.repeated = true;
          return { meta: { ...ctx.meta, repeated: undefined }, requestId: ctx.requestID, inner };
        },
        "user.exportMe": (ctx) => ({ caller: ctx.meta.caller, requestId: ctx.requestID, nodeID: ctx.nodeID }),
      };
      await using nodes = await createNodes(standIns(handlers, "message"), standIns(handlers, "user"));
      const caller = { userId: "7", sessionId: "8", deviceId: "phone" };
      const meta: Meta = { caller, connectionId: "c", address: "10.0.0.1", language: "zh" };
      const params = { conversationId: "g_1", clientMsgId: "c", type: "text", content: { text: "x" } } as const;
      const answer = await call(nodes.near.broker, "message.send", params, { meta, requestID: "request-1" });
      assert.deepEqual(answer as unknown, {
        meta: { caller, connectionId: "c", address: "10.0.0.1", language: "zh" },
        requestId: "request-1",
        inner: { caller, requestId: "request-1", nodeID: nodes.far.broker.nodeID },
      });
      assert.equal(meta.repeated, true);
    });

    it("lets other nodes call internal actions too", async () => {
      await using nodes = await createNodes(
        standIns({ "user.getMany": (ctx) => (ctx.params["userIds"] as string[]).map(userNamed) }, "user"),
      );
      assert.equal(nodes.near.broker.getLocalService("user"), undefined);
      assert.deepEqual(await call(nodes.near.broker, "user.getMany", { userIds: ["5"] }), [userNamed("5")]);
    });

    it("carries values as JSON does, whatever stands in texts", async () => {
      await using nodes = await createNodes(
        standIns({ "user.exportMe": (ctx) => ctx.meta, "settings.get": () => null }, "user", "settings"),
      );
      const value = {
        texts: ["\u0000", "\ud800 alone", "👩‍👩‍👧", "\u202Ertl", "<script>", "__proto__", "", "x".repeat(900_000)],
        id: "9223372036854775807",
        number: Number.MAX_SAFE_INTEGER,
        nothing: null,
        list: [1, null, { deep: [[]] }],
      };
      const echoed = await call(nodes.near.broker, "user.exportMe", {}, { meta: { value } });
      assert.deepEqual(echoed["value"], value);
      assert.equal(await call(nodes.near.broker, "settings.get", {}), null);
    });

    it("says unavailable of a service that is nowhere, of one whose node has left, and of one that is too slow", async () => {
      const nodes = await createNodes(standIns({ "user.me": () => new Promise<never>(() => undefined) }, "user"));
      const { near, far } = nodes;
      const assertUnavailable = async (work: Promise<unknown>): Promise<void> => {
        const wire = toWireError(await thrown(work));
        assert.deepEqual([wire.type, wire.status, wire.retryable], ["UNAVAILABLE", 503, true]);
      };
      await assertUnavailable(call(near.broker, "friend.list", {}));
      await assertUnavailable(call(near.broker, "user.none" as "user.me", {}));
      await assertUnavailable(call(near.broker, "user.me", {}, { timeout: 50 }));
      await far.stop();
      await waitFor(() => !isKnown(near, "user"), "the node to be missed");
      await assertUnavailable(call(near.broker, "user.me", {}));
      await near.stop();
    });

    it("tells an event to one node of each service, or to all nodes", async () => {
      const heard: string[] = [];
      const listener = (service: string): ServiceSchema => ({
        name: service,
        events: {
          "presence.changed": (ctx: Context) => void heard.push(`${service} ${ctx.broker.nodeID} presence`),
          "session.ended": (ctx: Context) => void heard.push(`${service} ${ctx.broker.nodeID} session`),
        },
      });
      await using nodes = await createNodes([listener("socket"), listener("presence")], [listener("socket")]);
      const { near, far } = nodes;
      await emit(near.broker, "presence.changed", { userId: "1", online: true, at: 0 });
      await broadcast(near.broker, "session.ended", { userId: "1", sessionIds: ["2"], reason: "logout" });
      const of = (what: string): string[] => heard.filter((one) => one.endsWith(what)).sort();
      await waitFor(() => of("session").length === 3 && of("presence").length === 2);
      const [here, there] = [near.broker.nodeID, far.broker.nodeID];
      assert.deepEqual(of("session"), [`presence ${there} session`, `socket ${here} session`, `socket ${there} session`].sort());
      assert.deepEqual(
        of("presence").map((one) => one.split(" ")[0]),
        ["presence", "socket"],
      );
    });
  });
}
