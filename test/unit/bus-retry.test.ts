import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Errors, ServiceBroker, type CallingOptions, type Context, type Middleware } from "moleculer";
import { imError } from "../../lib/errors.ts";
import { retryIdempotent } from "../../mixins/bus/retry.ts";

const { RequestRejectedError, RequestTimeoutError, ServiceNotAvailableError, ServiceNotFoundError } = Errors;
const NAME = "settings.get";
const gone = (action = NAME): Error => new RequestRejectedError({ action, nodeID: "far" });

/** A broker whose calls fail with these, one after the other, then answer; and with what timeout each was made. */
function brokerThatFails(failures: readonly Error[], requestTimeout = 5_000) {
  const timeouts: (number | null | undefined)[] = [];
  const base = {
    name: "far",
    call: () => (name: string, _params: unknown, options: CallingOptions) => {
      timeouts.push(options.timeout);
      const failure = failures[timeouts.length - 1];
      const ctx = { meta: { tries: timeouts.length } } as unknown as Context;
      return Object.assign(failure ? Promise.reject(failure) : Promise.resolve(`answer of ${name}`), { ctx });
    },
  };
  const middlewares = [base as unknown as Middleware, retryIdempotent()];
  const broker = new ServiceBroker({ logger: false, requestTimeout, internalServices: false, middlewares });
  return { broker, timeouts };
}

describe("retry of idempotent actions", () => {
  it("calls again what did not reach its node, within the caller's time", async () => {
    const badGateway = new Errors.MoleculerRetryableError("away", 502, "BAD_GATEWAY", null);
    const { broker, timeouts } = brokerThatFails([gone(), new ServiceNotAvailableError({ action: NAME }), badGateway]);
    assert.equal(await broker.call(NAME, {}, { timeout: 3_000 }), `answer of ${NAME}`);
    assert.equal(timeouts.length, 4);
    for (const [index, timeout] of timeouts.entries()) assert.ok(timeout! <= (timeouts[index - 1] ?? 3_000), String(timeouts));
    assert.ok(timeouts[3]! < 3_000 - 50 - 100 - 200);
  });

  it("gives up after three times, with the last error", async () => {
    const last = new ServiceNotFoundError({ action: NAME });
    const { broker, timeouts } = brokerThatFails([gone(), gone(), gone(), last, gone()]);
    await assert.rejects(broker.call(NAME), last);
    assert.equal(timeouts.length, 4);
  });

  it("gives up when the caller's time would be over", async () => {
    const { broker, timeouts } = brokerThatFails([gone(), gone()], 90);
    await assert.rejects(broker.call(NAME), { type: "REQUEST_REJECTED" });
    assert.equal(timeouts.length, 1);
  });

  it("takes what the action answers, and what a call of its own ran into, for the answer", async () => {
    const answers = [
      imError("USER_NOT_FOUND"),
      imError("UNAVAILABLE"),
      gone("user.get"),
      new RequestTimeoutError({ action: NAME, nodeID: "far" }),
      Object.assign(new Errors.MoleculerRetryableError("away", 502, "BAD_GATEWAY", null), { nodeID: "far" }),
      new TypeError("boom"),
    ];
    for (const answer of answers) {
      const { broker, timeouts } = brokerThatFails([answer]);
      await assert.rejects(broker.call(NAME), answer);
      assert.equal(timeouts.length, 1, answer.message);
    }
  });

  it("leaves alone what is not idempotent, goes to one node, or was asked not to be repeated", async () => {
    const calls: [string, CallingOptions][] = [
      ["friend.request", {}],
      ["no.contract", {}],
      [NAME, { nodeID: "far" }],
      [NAME, { retries: 0 }],
    ];
    for (const [name, options] of calls) {
      const { broker, timeouts } = brokerThatFails([gone(name)]);
      await assert.rejects(broker.call(name, {}, options), { type: "REQUEST_REJECTED" });
      assert.equal(timeouts.length, 1, name);
    }
  });

  it("hands the caller what the action said in its meta at last", async () => {
    const { broker } = brokerThatFails([gone()]);
    const calling = broker.call(NAME) as Promise<unknown> & { ctx: Context<unknown, { tries: number }> };
    await calling;
    assert.equal(calling.ctx.meta.tries, 2);
  });
});
