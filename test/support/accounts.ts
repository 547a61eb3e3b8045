import type { ServiceSchema } from "moleculer";
import type { DomainEventName, DomainEvents } from "../../contracts/events.ts";
import type { Caller } from "../../contracts/meta.ts";
import type { Params, Result } from "../../contracts/index.ts";
import { verifyAccessToken } from "../../lib/tokens.ts";
import { tokenKeys } from "../../lib/token-keys.ts";
import { withDatabase, type Database, type DatabaseVars } from "../../mixins/database/index.ts";
import { withOutbox, type OutboxVars } from "../../mixins/outbox/index.ts";
import auth from "../../services/auth/auth.service.ts";
import settings from "../../services/settings/settings.service.ts";
import user from "../../services/user/user.service.ts";
import { createNode, type NodeOptions, type TestNode } from "./node.ts";

export const PASSWORD = "correct-horse-battery";

/** A stand-in for a neighbour: actions by their short name. Handlers get the params. */
export function standIn(name: string, actions: Record<string, (params: never) => unknown>): ServiceSchema {
  const handlers = Object.entries(actions).map(([action, answer]) => [action, (ctx: { params: never }) => answer(ctx.params)]);
  return { name, actions: Object.fromEntries(handlers) as ServiceSchema["actions"] };
}

/** A node with the real services of accounts and whatever else is given. */
export function createAccountNode(others: readonly ServiceSchema[] = [], options: NodeOptions = {}): Promise<TestNode> {
  return createNode([user, settings, auth, ...others], options);
}

let names = 0;
/** A user name that no other test has. */
export const uniqueName = (prefix = "user"): string => `${prefix}_${process.pid}_${++names}`;

/** Registers a user with a name of their own. */
export async function buildUser(
  node: TestNode,
  more: Partial<Params<"user.register">> = {},
): Promise<Result<"user.register">["user"]> {
  return (await node.call("user.register", { username: uniqueName(), password: PASSWORD, ...more })).user;
}

export interface SignedIn extends Result<"auth.login"> {
  readonly caller: Caller;
}

/** Signs a user in; `caller` is who a gateway would say that they are. */
export async function signIn(node: TestNode, username: string, more: Partial<Params<"auth.login">> = {}): Promise<SignedIn> {
  const tokens = await node.call("auth.login", { username, password: PASSWORD, ...more });
  // At no time: one that lives for a second at most may be over before it is looked at.
  const { userId, sessionId, deviceId } = verifyAccessToken(tokenKeys(node.config.jwtSecret, null), tokens.accessToken, 0);
  return { ...tokens, caller: { userId, sessionId, deviceId } };
}

/** The `type` of the error that a call ends with; "" when it succeeds. */
export async function errorType(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "";
  } catch (error) {
    return String((error as { type?: unknown }).type);
  }
}

/** A service that lets a test look into a node's database and publish durable events as the service that makes a change would. */
export interface Probe {
  readonly schema: ServiceSchema;
  readonly sql: Database;
  /** Resolves once the event has been handled. */
  publish<N extends DomainEventName>(subject: N, payload: DomainEvents[N]): Promise<void>;
}

export function createProbe(): Probe {
  let vars: DatabaseVars & OutboxVars;
  return {
    schema: {
      name: "probe",
      mixins: [withDatabase(), withOutbox()],
      async started() {
        vars = this as unknown as typeof vars;
      },
    },
    get sql() {
      return vars.sql;
    },
    async publish(subject, payload) {
      await vars.sql.transaction((tx) => vars.outbox.add(tx, { subject, key: "probe", payload }));
      await vars.outbox.idle();
    },
  };
}
