import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv } from "ajv";
import { asyncApiDocument } from "../../contracts/asyncapi.ts";
import { errorTable } from "../../contracts/errors.ts";
import { examples } from "../../contracts/examples.ts";
import { contractOf, type ActionName } from "../../contracts/index.ts";
import { openApiDocument } from "../../contracts/openapi.ts";
import { routes } from "../../contracts/routes.ts";
import { clientEvents, serverEvents } from "../../contracts/socket-events.ts";
import { checkOf } from "../../lib/validation.ts";

interface Operation {
  operationId: string;
  security: unknown[];
  parameters?: { name: string; in: string; required: boolean; schema: unknown }[];
  requestBody?: {
    required: boolean;
    content: {
      "application/json": { schema: { properties: Record<string, unknown>; required?: string[]; additionalProperties: boolean } };
    };
  };
  responses: Record<string, { description: string; content: { "application/json": { schema: unknown } } }>;
}
interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
}

const copy = <T>(value: unknown): T => JSON.parse(JSON.stringify(value)) as T;
const openApi = copy<OpenApi>(openApiDocument());
const asyncApi = copy<{
  channels: Record<string, { address: string; messages: Record<string, unknown> }>;
  operations: Record<string, { action: string }>;
}>(asyncApiDocument("localhost:3000"));
const operationOf = (method: string, path: string): Operation =>
  openApi.paths[`/api/v1${path}`]?.[method.toLowerCase()] as Operation;

/** Every `$ref` in a document. */
function* refsIn(value: unknown): Generator<string> {
  if (typeof value !== "object" || value === null) return;
  if ("$ref" in value && typeof value.$ref === "string") yield value.$ref;
  for (const part of Object.values(value)) yield* refsIn(part);
}
const resolve = (document: unknown, ref: string): unknown =>
  ref
    .slice(2)
    .split("/")
    .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name.replaceAll("~1", "/")], document);

test("the REST document is valid OpenAPI 3.1", async () => {
  const { valid, errors } = await new Validator().validate(copy<Record<string, unknown>>(openApi));
  assert.equal(valid, true, JSON.stringify(errors)?.slice(0, 1_000));
});

test("the socket document is valid AsyncAPI 3.0", () => {
  const schema = createRequire(import.meta.url)("@asyncapi/specs/schemas/3.0.0-without-$id.json") as object;
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
  assert.equal(validate(asyncApi), true, JSON.stringify(validate.errors)?.slice(0, 1_000));
});

test("every reference leads somewhere, and every named shape is used", () => {
  for (const document of [openApi, asyncApi])
    for (const ref of refsIn(document)) assert.notEqual(resolve(document, ref), undefined, ref);
  const used = new Set(refsIn(openApi.paths));
  for (const name of ["User", "OwnUser", "Message", "Conversation", "Group", "Friend", "Error"])
    assert.ok(used.has(`#/components/schemas/${name}`), name);
});

test("each route is one operation with its params in their places", () => {
  for (const route of routes) {
    const operation = operationOf(route.method, route.path);
    assert.equal(operation.operationId, route.action);
    assert.equal(operation.security.length, route.auth === "open" ? 0 : 1);
    const described = [
      ...(operation.parameters ?? []).map(({ name }) => name),
      ...Object.keys(operation.requestBody?.content["application/json"].schema.properties ?? {}),
    ];
    const { properties } = contractOf(route.action)?.params as unknown as { properties: object };
    assert.deepEqual(described.sort(), Object.keys(properties).sort(), route.action);
  }
  const edit = operationOf("PUT", "/messages/{messageId}/edit");
  assert.deepEqual(
    edit.parameters?.map(({ name, in: place, required }) => [name, place, required]),
    [["messageId", "path", true]],
  );
  assert.deepEqual(edit.requestBody?.content["application/json"].schema.required, ["content"]);
  assert.equal(edit.requestBody?.content["application/json"].schema.additionalProperties, false);
  const history = operationOf("GET", "/messages/conversations/{conversationId}/history");
  assert.ok(history.parameters?.some(({ name, in: place, required }) => name === "beforeSeq" && place === "query" && !required));
});

test("an action is the action of one route only", () => {
  assert.equal(new Set(routes.map(({ action }) => action)).size, routes.length);
});

test("each operation tells the errors of its action and the common ones, by status", () => {
  for (const route of routes) {
    const { responses } = operationOf(route.method, route.path);
    assert.ok(responses[String(route.status ?? 200)], route.action);
    for (const type of contractOf(route.action)?.errors ?? []) {
      const { status, code } = errorTable[type];
      assert.match(responses[String(status)]?.description ?? "", new RegExp(`${code} ${type}`), `${route.action} ${type}`);
    }
    for (const status of ["400", "429", "500", "503", ...(route.auth === "user" ? ["401"] : [])])
      assert.ok(responses[status], `${route.action} ${status}`);
  }
});

test("internal actions are not in the document", () => {
  const text = JSON.stringify(openApi);
  for (const action of ["auth.verify", "user.getMany", "user.authenticate", "message.sendSystem", "socket.deliver"])
    assert.ok(!text.includes(`"${action}"`), action);
});

test("the examples can be sent", () => {
  for (const [action, example] of Object.entries(examples)) {
    const route = routes.find((one) => one.action === action);
    const inPath = Object.fromEntries([...(route?.path ?? "").matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => [name, "1"]));
    const params = contractOf(action as ActionName)?.params;
    assert.ok(route && params, action);
    assert.equal(checkOf(params)({ ...example, ...inPath }), true);
  }
});

test("each socket event is a channel, with a request and its acknowledgement or with what is pushed", () => {
  const channelOf = (event: string) => Object.values(asyncApi.channels).find(({ address }) => address === event);
  for (const event of Object.keys(clientEvents))
    assert.ok(channelOf(event)?.messages["request"] && channelOf(event)?.messages["acknowledgement"], event);
  for (const event of Object.keys(serverEvents)) assert.ok(channelOf(event)?.messages["event"], event);
  const count = (action: string): number =>
    Object.values(asyncApi.operations).filter((operation) => operation.action === action).length;
  assert.deepEqual([count("receive"), count("send")], [Object.keys(clientEvents).length, Object.keys(serverEvents).length]);
});
