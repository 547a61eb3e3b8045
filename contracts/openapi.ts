import type { TSchema } from "typebox";
import { errorTable, type ErrorType } from "./errors.ts";
import { examples } from "./examples.ts";
import { contractOf } from "./index.ts";
import { API_PREFIX, routes, type Route } from "./routes.ts";
import { publishedEntities, publishedSchema, type Json, type JsonObject } from "./schema-refs.ts";

/** Version of the wire contract, not of the program. */
export const API_VERSION = "1.0.0";

interface ObjectShape {
  readonly properties: Readonly<Record<string, TSchema>>;
  readonly required?: readonly string[];
}

const text = { type: "string" };
const envelopeOf = (code: Json, data: Json): JsonObject => ({
  type: "object",
  properties: { code, message: text, data, timestamp: { type: "integer", description: "Epoch milliseconds" }, requestId: text },
  required: ["code", "message", "data", "timestamp", "requestId"],
});
const json = (schema: Json, example?: Json): JsonObject => ({
  "application/json": { schema, ...(example === undefined ? {} : { example }) },
});

const requestIdHeader = { "X-Request-Id": { $ref: "#/components/headers/X-Request-Id" } };
const retryHeader = { "Retry-After": { $ref: "#/components/headers/Retry-After" } };

/** Errors that any route can answer with. */
function commonErrors(route: Route): ErrorType[] {
  const hasBody = route.method === "POST" || route.method === "PUT";
  return [
    "VALIDATION",
    "MALFORMED_REQUEST",
    "RATE_LIMITED",
    "UNAVAILABLE",
    "INTERNAL",
    ...(route.auth === "user" ? (["UNAUTHENTICATED", "TOKEN_EXPIRED", "SESSION_ENDED"] as const) : []),
    ...(hasBody ? (["PAYLOAD_TOO_LARGE"] as const) : []),
  ];
}

function errorResponses(types: readonly ErrorType[]): JsonObject {
  const byStatus = Map.groupBy(new Set(types), (type) => errorTable[type].status);
  return Object.fromEntries(
    [...byStatus].sort(([a], [b]) => a - b).map(([status, group]) => [String(status), errorResponse(status, group)]),
  );
}

function errorResponse(status: number, types: readonly ErrorType[]): JsonObject {
  const codes = [...new Set(types.map((type) => errorTable[type].code))].sort((a, b) => a - b);
  return {
    description: types.map((type) => `${errorTable[type].code} ${type}: ${errorTable[type].en}`).join("\n\n"),
    headers: { ...requestIdHeader, ...(status === 429 || status === 503 ? retryHeader : {}) },
    content: json({ allOf: [{ $ref: "#/components/schemas/Error" }, { properties: { code: { enum: codes } } }] }),
  };
}

const pathNames = (route: Route): string[] => [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);

function parameters(route: Route, { properties, required = [] }: ObjectShape): Json[] {
  const inPath = pathNames(route);
  const inQuery =
    route.method === "GET" || route.method === "DELETE" ? Object.keys(properties).filter((name) => !inPath.includes(name)) : [];
  const parameter = (name: string, place: "path" | "query", isRequired: boolean): Json => ({
    name,
    in: place,
    required: isRequired,
    schema: publishedSchema(properties[name] as TSchema),
    ...((properties[name] as { type?: string }).type === "array" ? { style: "form", explode: false } : {}),
  });
  return [
    ...inPath.map((name) => parameter(name, "path", true)),
    ...inQuery.map((name) => parameter(name, "query", required.includes(name))),
  ];
}

/** Null when the body has no field. */
function requestBody(route: Route, { properties, required = [] }: ObjectShape): JsonObject | null {
  if (route.method === "GET" || route.method === "DELETE") return null;
  const inPath = pathNames(route);
  const fields = Object.entries(properties).filter(([name]) => !inPath.includes(name));
  if (fields.length === 0) return null;
  const needed = required.filter((name) => !inPath.includes(name));
  const schema = {
    type: "object",
    properties: Object.fromEntries(fields.map(([name, field]) => [name, publishedSchema(field)])),
    ...(needed.length > 0 ? { required: needed } : {}),
    additionalProperties: false,
  };
  return { required: needed.length > 0, content: json(schema, examples[route.action]) };
}

function successResponses(route: Route, result: TSchema): JsonObject {
  const success = (description: string): JsonObject => ({
    description,
    headers: requestIdHeader,
    content: json(envelopeOf({ const: 0 }, publishedSchema(result))),
  });
  return {
    [String(route.status ?? 200)]: success(route.status === 201 ? "Made" : "Done"),
    ...(route.action === "message.send"
      ? { "200": success("The answer of the first time: this clientMsgId was sent before") }
      : {}),
  };
}

function operation(route: Route): JsonObject {
  const contract = contractOf(route.action);
  if (!contract) throw new Error(`Route ${route.method} ${route.path} has no contract ${route.action}`);
  const shape = contract.params as unknown as ObjectShape;
  const given = parameters(route, shape);
  const body = requestBody(route, shape);
  return {
    operationId: route.action,
    summary: contract.summary,
    tags: [route.action.split(".")[0] ?? ""],
    security: route.auth === "open" ? [] : [{ accessToken: [] }],
    ...(given.length > 0 ? { parameters: given } : {}),
    ...(body ? { requestBody: body } : {}),
    responses: {
      ...successResponses(route, contract.result),
      ...errorResponses([...commonErrors(route), ...(contract.errors ?? [])]),
    },
    "x-requests-per-minute": route.perMinute ?? 300,
  };
}

/** Probes and published documents: open, outside the envelope. */
const page = (summary: string, type: string, more: JsonObject = {}): JsonObject => ({
  get: {
    summary,
    tags: ["system"],
    security: [],
    responses: { "200": { description: "Done", content: { [type]: {} } }, ...more },
  },
});
const systemPaths: JsonObject = {
  "/health/live": page("Does the process run", "application/json"),
  "/health/ready": page("Can the node serve", "application/json", {
    "503": { description: "A part is down; it is named", headers: retryHeader, content: { "application/json": {} } },
  }),
  "/openapi.json": page("This document", "application/json"),
  "/asyncapi.json": page("The socket events, as AsyncAPI 3.0", "application/json"),
  "/docs": page("Read and try the REST calls", "text/html"),
  "/docs/socket": page("Read about the socket events", "text/html"),
};

function apiPaths(): Record<string, Record<string, Json>> {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) (paths[API_PREFIX + route.path] ??= {})[route.method.toLowerCase()] = operation(route);
  return paths;
}

const components: JsonObject = {
  securitySchemes: {
    accessToken: {
      type: "http",
      scheme: "bearer",
      bearerFormat: "JWT",
      description: "The accessToken of POST /api/v1/users/login",
    },
  },
  headers: {
    "X-Request-Id": { description: "Names this request in the server's logs; send one to choose it", schema: { type: "string" } },
    "Retry-After": { description: "Seconds to wait before the next try", schema: { type: "integer", minimum: 1 } },
  },
  schemas: {
    ...publishedEntities,
    Error: {
      ...envelopeOf(
        { type: "integer", minimum: 1 },
        {
          type: ["object", "null"],
          description: "What helps: for bad input the fields and what is wrong with each",
          properties: {
            fields: {
              type: "array",
              items: { type: "object", properties: { field: text, message: text }, required: ["field", "message"] },
            },
            retryAfterMs: { type: "integer" },
          },
        },
      ),
    },
  },
};

/** The REST API as OpenAPI 3.1, made from the routes and contracts that the server itself works with. */
export function openApiDocument(): JsonObject {
  return {
    openapi: "3.1.0",
    info: {
      title: "moleculer-im",
      version: API_VERSION,
      description:
        "Ids are strings, times epoch milliseconds. Every answer is an envelope `{code, message, data, timestamp, requestId}`; code 0 is success. " +
        "Lists take `limit` and `cursor` and answer `{items, nextCursor}`. The socket events are at /docs/socket.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/", description: "This server" }],
    tags: [...new Set(routes.map((route) => route.action.split(".")[0] ?? "")), "system"].map((name) => ({ name })),
    paths: { ...apiPaths(), ...systemPaths },
    components,
  };
}
