import type { TSchema } from "typebox";
import type { ActionName } from "../../contracts/index.ts";
import type { Meta } from "../../contracts/meta.ts";
import {
  clientEventParams,
  clientEvents,
  UNKNOWN_EVENTS_PER_MINUTE,
  type ClientEvent,
  type ClientEventName,
} from "../../contracts/socket-events.ts";
import { imError, isExpected, toWireError } from "../../lib/errors.ts";
import { checkJson, checkOf, invalidField } from "../../lib/validation.ts";
import { CallOrder, type CallNodes, type Directed } from "./send-order.ts";
import type { ImSocket } from "./types.ts";

type Options = { meta: Meta; requestID: string } & Partial<Directed>;

export interface EventDeps {
  callAction(action: ActionName, params: unknown, options: Options): Promise<unknown>;
  /** Brings a client up to date when its turn comes. */
  sync(socket: ImSocket, work: () => Promise<unknown>): Promise<unknown>;
  /** Where messages are sent; null when it is this node alone. */
  readonly sendNodes: CallNodes | null;
  renew(socket: ImSocket, token: string): Promise<null>;
  /** Milliseconds until the user may send this event again; 0: now. */
  waitFor(userId: string, event: string, perMinute: number): number;
  count(event: string): void;
  logError(message: string, fields: Record<string, unknown>): void;
}
type Acknowledge = (answer: { code: number; message?: string; data?: unknown }) => void;

/** Answers one event of a client. Its acknowledgement is called exactly once, whatever happens. */
export async function answerEvent(deps: EventDeps, socket: ImSocket, name: string, args: readonly unknown[]): Promise<void> {
  const last = args.at(-1);
  const acknowledge: Acknowledge = typeof last === "function" ? (last as Acknowledge) : () => undefined;
  const requestID = `${socket.id}.${++socket.data.events}`;
  try {
    const payloads = typeof last === "function" ? args.slice(0, -1) : args;
    acknowledge({ code: 0, data: await dispatch(deps, socket, name, payloads, requestID) });
  } catch (error) {
    if (!isExpected(error)) deps.logError("An event could not be answered", { event: name, requestID, error });
    const { code, message, data } = toWireError(error, socket.data.language);
    acknowledge(data === null ? { code, message } : { code, message, data });
  }
}

function dispatch(
  deps: EventDeps,
  socket: ImSocket,
  name: string,
  payloads: readonly unknown[],
  requestID: string,
): Promise<unknown> {
  const event = Object.hasOwn(clientEvents, name) ? (clientEvents[name as ClientEventName] as ClientEvent) : null;
  if (!event) {
    // Under one name, or whoever invents names would be counted under as many as they like.
    admitEvent(deps, socket, "unknown", UNKNOWN_EVENTS_PER_MINUTE);
    throw imError("UNKNOWN_EVENT");
  }
  admitEvent(deps, socket, name, event.perMinute);
  const [params = {}] = payloads;
  if (payloads.length > 1 || typeof params !== "object" || params === null || Array.isArray(params))
    throw invalidField("", "must be one object");
  if (name !== "message:send") checkJson(params);
  const { action, params: actionParams } = target(name as ClientEventName, event, params);
  if (action === null) return deps.renew(socket, (params as { token: string }).token);
  const { identity, language, address } = socket.data;
  const { userId, sessionId, deviceId } = identity;
  const meta: Meta = { caller: { userId, sessionId, deviceId }, connectionId: socket.id, language, address };
  if (name === "sync") return deps.sync(socket, () => deps.callAction(action, actionParams, { meta, requestID }));
  if (name !== "message:send" || !deps.sendNodes) return deps.callAction(action, actionParams, { meta, requestID });
  return orderOf(socket, deps.sendNodes).run((options) => deps.callAction(action, actionParams, { meta, requestID, ...options }));
}

const orders = new WeakMap<ImSocket, CallOrder>();

function orderOf(socket: ImSocket, nodes: CallNodes): CallOrder {
  let order = orders.get(socket);
  if (!order) orders.set(socket, (order = new CallOrder(nodes)));
  return order;
}

/** Counts an event of a user. @throws RATE_LIMITED */
function admitEvent(deps: EventDeps, socket: ImSocket, event: string, perMinute: number): void {
  deps.count(event);
  const retryAfterMs = deps.waitFor(socket.data.identity.userId, event, perMinute);
  if (retryAfterMs > 0) throw imError("RATE_LIMITED", { retryAfterMs });
}

const own: Partial<Record<string, TSchema>> = clientEventParams;

/** The action an event stands for, with its params. The bus checks the params of an action; payloads of our own are checked here. */
function target(name: ClientEventName, event: ClientEvent, params: unknown): { action: ActionName | null; params: unknown } {
  if (own[name]) checkOf(own[name])(params);
  if (name !== "message:react") return { action: event.action, params };
  const { remove = false, ...reaction } = params as { remove?: boolean; messageId: string; emoji: string };
  return { action: remove ? "message.unreact" : "message.react", params: reaction };
}
