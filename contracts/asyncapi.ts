import { Type, type TSchema } from "typebox";
import { contractOf } from "./index.ts";
import { API_VERSION } from "./openapi.ts";
import { clientEventParams, clientEvents, serverEvents, type ClientEvent, type ClientEventName } from "./socket-events.ts";
import { publishedEntities, publishedSchema, type Json, type JsonObject } from "./schema-refs.ts";

const Acknowledged = (data: TSchema) =>
  Type.Union([
    Type.Object({ code: Type.Literal(0), data }),
    Type.Object({
      code: Type.Integer({ minimum: 1 }),
      message: Type.String(),
      data: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    }),
  ]);

/** What a client may put into an event. */
export function payloadOf(name: ClientEventName): TSchema {
  const own = (clientEventParams as Partial<Record<ClientEventName, TSchema>>)[name];
  const { action } = clientEvents[name] as ClientEvent;
  return own ?? contractOf(action ?? "")?.params ?? Type.Object({});
}

function answerOf(name: ClientEventName): TSchema {
  const { action } = clientEvents[name] as ClientEvent;
  return contractOf(action ?? "")?.result ?? Type.Null();
}

/** Ids in the document may not contain colons. */
const idOf = (event: string): string => event.replace(/:(\w)/g, (_, letter: string) => letter.toUpperCase());

const message = (name: string, title: string, payload: TSchema): JsonObject => ({
  name,
  title,
  contentType: "application/json",
  payload: publishedSchema(payload),
});

interface Parts {
  readonly channels: Record<string, Json>;
  readonly operations: Record<string, Json>;
}

/** Events of both directions that share a name (`typing`) share a channel. */
function addChannel({ channels }: Parts, event: string, messages: JsonObject): void {
  const known = channels[idOf(event)] as { messages: JsonObject } | undefined;
  channels[idOf(event)] = { address: event, messages: { ...known?.messages, ...messages } };
}

function addClientEvent(parts: Parts, name: ClientEventName): void {
  const channel = `#/channels/${idOf(name)}`;
  addChannel(parts, name, {
    request: message(name, clientEvents[name].summary, payloadOf(name)),
    acknowledgement: message(`${name} acknowledgement`, "Called once for each event", Acknowledged(answerOf(name))),
  });
  parts.operations[`receive_${idOf(name)}`] = {
    action: "receive",
    channel: { $ref: channel },
    summary: clientEvents[name].summary,
    messages: [{ $ref: `${channel}/messages/request` }],
    reply: { channel: { $ref: channel }, messages: [{ $ref: `${channel}/messages/acknowledgement` }] },
    "x-events-per-minute": clientEvents[name].perMinute,
  };
}

function addServerEvent(parts: Parts, name: string, payload: TSchema): void {
  const channel = `#/channels/${idOf(name)}`;
  addChannel(parts, name, { event: message(name, "Pushed by the server", payload) });
  parts.operations[`send_${idOf(name)}`] = {
    action: "send",
    channel: { $ref: channel },
    messages: [{ $ref: `${channel}/messages/event` }],
  };
}

/**
 * The Socket.IO events as AsyncAPI 3.0, from the server's side: it receives what clients send, and sends what they hear.
 * @param host where the server is reached, `host:port`
 */
export function asyncApiDocument(host: string): JsonObject {
  const parts: Parts = { channels: {}, operations: {} };
  for (const name of Object.keys(clientEvents) as ClientEventName[]) addClientEvent(parts, name);
  for (const [name, payload] of Object.entries(serverEvents)) addServerEvent(parts, name, payload);
  return {
    asyncapi: "3.0.0",
    info: {
      title: "moleculer-im socket events",
      version: API_VERSION,
      description:
        "Socket.IO 4, default namespace. Handshake `auth: {token, deviceId?}`. Every event of a client takes an acknowledgement callback, which is called once with " +
        "`{code: 0, data}` or `{code, message, data?}`.",
      license: { name: "MIT" },
    },
    defaultContentType: "application/json",
    servers: {
      default: {
        host,
        pathname: "/socket.io",
        protocol: "ws",
        description: "Socket.IO over WebSocket",
        security: [{ $ref: "#/components/securitySchemes/accessToken" }],
      },
    },
    channels: parts.channels,
    operations: parts.operations,
    components: {
      schemas: publishedEntities,
      securitySchemes: {
        accessToken: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: "`auth.token` of the Socket.IO handshake",
        },
      },
    },
  };
}
