import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { test } from "node:test";
import { addressOf } from "../../mixins/http/listen.ts";
import { befriend, buildUser, startIm, text } from "../support/im.ts";
import { waitFor } from "../support/wait.ts";

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly links?: readonly { traceId: string; spanId: string }[];
  readonly attributes: readonly { key: string; value: { stringValue?: string } }[];
  readonly status: { code?: number; message?: string };
}
interface Export {
  readonly resourceSpans: readonly { scopeSpans: readonly { spans: readonly Span[] }[] }[];
}

/** Takes spans as a collector does. */
async function startCollector() {
  const spans: Span[] = [];
  const server = createServer((req, res) => {
    void (json(req) as Promise<Export>).then(({ resourceSpans }) => {
      for (const { scopeSpans } of resourceSpans) for (const scope of scopeSpans) spans.push(...scope.spans);
      res.writeHead(200, { "Content-Type": "application/json" }).end("{}");
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    spans,
    url: `http://127.0.0.1:${addressOf(server).port}/v1/traces`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

test("a message is one trace: socket, actions and SQL are spans of it, and the batch that stores it is linked", async () => {
  await using collector = await startCollector();
  await using im = await startIm({ otlpUrl: collector.url, otlpSampleRatio: 1 });
  const [a, b] = [await buildUser(im), await buildUser(im)];
  const conversationId = await befriend(im, a, b);
  const { socket } = await im.connect({ token: a.token });
  const secret = "words that belong to two people";
  const answer = (await socket.emitWithAck("message:send", { ...text(conversationId), content: { text: secret } })) as {
    code: number;
  };
  assert.equal(answer.code, 0);
  const find = (name: string): Span | undefined => collector.spans.find((span) => span.name === name);
  const batch = await waitFor(() => find("persist batch"), "the batch to be told of", 10_000);
  const root = await waitFor(() => find("socket message.send"), "the request to be told of", 10_000);
  const action = (await waitFor(() => find("message.send"), "the action to be told of"))!;
  assert.equal(action.parentSpanId, root.spanId);
  assert.ok(batch.links?.some(({ traceId, spanId }) => traceId === root.traceId && spanId === action.spanId));
  const statements = collector.spans.filter(({ name, traceId }) => name.startsWith("sql ") && traceId === root.traceId);
  assert.ok(statements.length > 0, "SQL of the request");
  assert.ok(!JSON.stringify(collector.spans).includes(secret), "no words of people");

  const refused = (await socket.emitWithAck("message:send", text("d_1_2"))) as { code: number };
  assert.notEqual(refused.code, 0);
  await waitFor(
    () => collector.spans.some(({ status }) => status.code === 2 && status.message === "CONVERSATION_NOT_FOUND"),
    "the error to be told of",
    10_000,
  );
});

test("a collector that is away holds nobody up", async () => {
  await using im = await startIm({ otlpUrl: "http://127.0.0.1:9/v1/traces", otlpSampleRatio: 1 });
  const user = await buildUser(im);
  assert.equal((await im.node.as(user.userId, "conversation.list", {})).items.length, 0);
});
