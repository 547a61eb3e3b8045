import type { Context, ServiceSchema } from "moleculer";
import { contracts } from "../../contracts/index.ts";
import type { ActionContract } from "../../contracts/define.ts";
import type { Meta } from "../../contracts/meta.ts";
import { routes } from "../../contracts/routes.ts";
import { imError } from "../../lib/errors.ts";
import type { HttpVars } from "../../mixins/http/index.ts";
import api from "../../services/api/api.service.ts";
import { createNode, type NodeOptions, type TestNode } from "./node.ts";

type StandIn = (ctx: Context<Record<string, unknown>, Meta>) => unknown;
export type StandIns = Record<string, StandIn>;

/** The envelope of an answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly code: number;
  readonly message: string;
  readonly data: Record<string, unknown> | null;
  readonly requestId: string;
  readonly timestamp: number;
}

export interface AskOptions {
  readonly body?: unknown;
  readonly userId?: string | null;
  readonly headers?: Record<string, string>;
}

/** A node with the real REST edge; behind it stand-ins that answer with what they were called with. */
export interface EdgeNode extends TestNode {
  readonly url: string;
  /** As user 1 unless told; `userId: null` sends no token. */
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>;
}

const verify: StandIn = (ctx) => {
  const token = String(ctx.params["token"]);
  if (token === "expired") throw imError("TOKEN_EXPIRED");
  if (!/^user-\d+$/.test(token)) throw imError("UNAUTHENTICATED");
  return { userId: token.slice(5), sessionId: "9", deviceId: "test", deviceType: "web", expiresAt: 0 };
};

const echo: StandIn = (ctx) => ({ params: ctx.params, meta: ctx.meta, requestId: ctx.requestID });

/** Services whose actions have the contracts' params and visibility. */
export function standInServices(standIns: StandIns = {}, names: readonly string[] = Object.keys(contracts)): ServiceSchema[] {
  const published = new Set<string>(routes.map((route) => route.action));
  return names.map((service) => ({
    name: service,
    actions: Object.fromEntries(
      Object.entries(contracts[service as keyof typeof contracts] as Record<string, ActionContract>).map(
        ([action, { params }]) => {
          const name = `${service}.${action}`;
          const handler = standIns[name] ?? (name === "auth.verify" ? verify : echo);
          return [
            action,
            { visibility: published.has(name) ? ("published" as const) : ("public" as const), params: params as never, handler },
          ];
        },
      ),
    ),
  }));
}

export async function createEdge(
  standIns: StandIns = {},
  options: NodeOptions & { services?: readonly string[] } = {},
): Promise<EdgeNode> {
  const node = await createNode([api, ...standInServices(standIns, options.services)], options);
  const { port } = (node.broker.getLocalService("api") as unknown as HttpVars).http.address();
  const url = `http://127.0.0.1:${port}`;
  return { ...node, url, ask: (method, path, ask) => askEdge(url, method, path, ask) };
}

export async function askEdge(
  url: string,
  method: string,
  path: string,
  { body, userId = "1", headers = {} }: AskOptions = {},
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(userId === null ? {} : { Authorization: `Bearer user-${userId}` }),
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const envelope = JSON.parse((await response.text()) || "{}") as Omit<Answer, "status" | "headers">;
  return { ...envelope, status: response.status, headers: response.headers };
}
