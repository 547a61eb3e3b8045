import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { REQUEST_TIMEOUT_MS } from "../../config/limits.ts";
import { CallOrder, type Directed } from "../../services/socket/send-order.ts";

/** Nodes among which the choice goes round, and calls that end when the test says so. */
function createWorld(...nodes: string[]) {
  const left = new Set<string>();
  let turn = 0;
  const order = new CallOrder({
    choose: () => nodes.filter((node) => !left.has(node))[turn++ % (nodes.length - left.size)] ?? null,
    has: (node) => nodes.includes(node) && !left.has(node),
  });
  const calls: { name: string; options: Directed; end: (error?: Error) => void }[] = [];
  const send = (name: string): Promise<string> =>
    order.run((options) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      calls.push({ name, options, end: (error) => (error ? reject(error) : resolve(name)) });
      return promise;
    });
  const made = (): string[] => calls.map(({ name, options }) => `${name} to ${options.nodeID ?? "nobody"}`);
  return { send, calls, made, leave: (node: string) => left.add(node) };
}

describe("the order of a connection's sends", () => {
  it("goes to one node while some are on their way, to the next choice when none is", async () => {
    const { send, calls, made } = createWorld("x", "y");
    const sent = [send("1"), send("2")];
    calls[0]!.end();
    await sent[0];
    sent.push(send("3"));
    assert.deepEqual(made(), ["1 to x", "2 to x", "3 to x"]);
    for (const call of calls) call.end();
    await Promise.all(sent);
    const last = send("4");
    assert.deepEqual(made().slice(3), ["4 to y"]);
    calls[3]!.end();
    assert.equal(await last, "4");
  });

  it("is made at once, not to be repeated, with the time that calls have", async () => {
    const { send, calls } = createWorld("x");
    const sent = send("1");
    const { retries, timeout } = calls[0]!.options;
    assert.equal(retries, 0);
    assert.ok(timeout <= REQUEST_TIMEOUT_MS && timeout > REQUEST_TIMEOUT_MS - 100);
    const failed = assert.rejects(sent, /no/);
    calls[0]!.end(new Error("no"));
    await failed;
  });

  it("waits, when the node has left, until what is on its way there has ended; then all go on in their order", async () => {
    const { send, calls, made, leave } = createWorld("x", "y");
    const lost = send("1");
    const answered = send("2");
    leave("x");
    const later = [send("3"), send("4")];
    calls[1]!.end();
    await answered;
    later.push(send("5"));
    assert.deepEqual(made(), ["1 to x", "2 to x"]);
    const failed = assert.rejects(lost, /gone/);
    calls[0]!.end(new Error("gone"));
    await failed;
    assert.deepEqual(made().slice(2), ["3 to y", "4 to y", "5 to y"]);
    for (const call of calls) call.end();
    assert.deepEqual(await Promise.all(later), ["3", "4", "5"]);
  });

  it("is sent to whom it may concern when nobody is known", async () => {
    const { send, calls, made } = createWorld();
    const sent = send("1");
    assert.deepEqual(made(), ["1 to nobody"]);
    calls[0]!.end();
    await sent;
  });
});
