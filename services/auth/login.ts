import { randomBytes } from "node:crypto";
import { MAX_SESSIONS_PER_USER } from "../../config/limits.ts";
import type { Params, Result } from "../../contracts/index.ts";
import type { DeviceType } from "../../contracts/services/auth.ts";
import { accountName } from "../../lib/account-name.ts";
import { imError } from "../../lib/errors.ts";
import { call, type Calls } from "../../lib/service.ts";
import { invalidField } from "../../lib/validation.ts";
import { takeTurn } from "../../mixins/database/dialect.ts";
import type { Tx } from "../../mixins/database/port.ts";
import type { AuthDeps } from "./deps.ts";
import { announceEnded, endInTransaction, endSessions } from "./end-sessions.ts";
import { addRefreshToken, keepHot, sessionEnd, tokensOf } from "./issue-tokens.ts";
import { findSurplus, insertSession, isNewDevice, type SessionChoice, type SessionRow } from "./repository.ts";

type Login = Params<"auth.login">;
type Authenticated = NonNullable<Result<"user.authenticate">>;

/** Devices that stand in for each other: one phone at a time, one browser at a time. */
const deviceClasses: readonly (readonly DeviceType[])[] = [["ios", "android"], ["desktop"], ["web"], ["bot"]];

/**
 * Signs in: a session of its own for each device. The same device's session before it is replaced, and others end as the
 * kick policy says; beyond `MAX_SESSIONS_PER_USER` the ones that were not in use for the longest are replaced too.
 * @throws WRONG_CREDENTIALS, the same for unknown, disabled and deleted accounts; RATE_LIMITED; VALIDATION
 */
export async function login(deps: AuthDeps, calls: Calls, address: string | null, input: Login): Promise<Result<"auth.login">> {
  const { user, credential } = await checkPassword(deps, calls, address, input);
  const { session, refreshToken, ended } = await deps.sql.transaction((tx) => openSession(deps, user.userId, input, tx));
  await announceEnded(deps, user.userId, ended.replaced, "replaced");
  await announceEnded(deps, user.userId, ended.kicked, "kicked");
  if (!(await call(calls, "user.credentialHolds", { userId: user.userId, credential }))) {
    await endSessions(deps, { userId: user.userId, sessionId: String(session.session_id) }, "removed");
    throw imError("WRONG_CREDENTIALS");
  }
  await keepHot(deps, session);
  return { ...tokensOf(deps, session, refreshToken, Number(session.created_at)), user };
}

async function checkPassword(deps: AuthDeps, calls: Calls, address: string | null, input: Login): Promise<Authenticated> {
  const { username, phone, email, password, code } = input;
  if (code !== undefined) throw invalidField("code", "one-time codes are not available yet; use the password");
  if (password === undefined) throw invalidField("password", "is required");
  const account = {
    ...(username !== undefined && { username }),
    ...(phone !== undefined && { phone }),
    ...(email !== undefined && { email }),
  };
  const { kind, value } = accountName(account);
  const found = await deps.guard({ account: `${kind}:${value}`, address }, () =>
    call(calls, "user.authenticate", { ...account, password }),
  );
  if (!found) throw imError("WRONG_CREDENTIALS");
  return found;
}

interface Opened {
  readonly session: SessionRow;
  readonly refreshToken: string;
  readonly ended: { readonly replaced: string[]; readonly kicked: string[] };
}

async function openSession(deps: AuthDeps, userId: string, input: Login, tx: Tx): Promise<Opened> {
  await takeTurn(deps.sql, tx, `sign-in ${userId}`); // of two at one time the second sees, and may end, what the first began
  const now = deps.now();
  const session = {
    session_id: deps.ids.next(),
    user_id: userId,
    device_id: input.deviceId ?? randomBytes(12).toString("base64url"),
    device_type: input.deviceType ?? "web",
    device_name: input.deviceName ?? "",
    created_at: now,
    last_seen_at: now,
    expires_at: sessionEnd(deps, now),
    ended_at: null,
    end_reason: null,
  } satisfies SessionRow;
  // The first of all is no news.
  if (await isNewDevice(deps.sql, session, input.deviceId !== undefined, tx)) await tellNewDevice(deps, session, tx);
  await insertSession(deps.sql, session, tx);
  const refreshToken = await addRefreshToken(deps, session.session_id, now, tx);

  const others = { userId, exceptSessionId: session.session_id };
  const replaced = await endInTransaction(deps, { ...others, deviceId: session.device_id }, "replaced", tx);
  const kick = kickedBy(deps.config.kickPolicy, session.device_type);
  const kicked = kick ? await endInTransaction(deps, { ...others, ...kick }, "kicked", tx) : [];
  const surplus = await endSurplus(deps, others, now, tx);
  return { session, refreshToken, ended: { replaced: [...replaced, ...surplus], kicked } };
}

async function tellNewDevice(deps: AuthDeps, { user_id, session_id, device_id, device_type }: SessionRow, tx: Tx): Promise<void> {
  const userId = String(user_id);
  await deps.outbox.add(tx, {
    subject: "im.user.device.added",
    key: userId,
    payload: { userId, sessionId: String(session_id), deviceId: device_id, deviceType: device_type },
  });
}

async function endSurplus(
  deps: AuthDeps,
  others: { readonly userId: string; readonly exceptSessionId: string },
  now: number,
  tx: Tx,
): Promise<string[]> {
  const sessionIds = await findSurplus(deps.sql, { ...others, keep: MAX_SESSIONS_PER_USER - 1 }, now, tx);
  return sessionIds.length === 0 ? [] : endInTransaction(deps, { userId: others.userId, sessionIds }, "replaced", tx);
}

/** Which other sessions a sign-in ends; null: none. */
function kickedBy(policy: AuthDeps["config"]["kickPolicy"], deviceType: DeviceType): Pick<SessionChoice, "deviceTypes"> | null {
  if (policy === "none") return null;
  return policy === "all" ? {} : { deviceTypes: deviceClasses.find((types) => types.includes(deviceType)) ?? [deviceType] };
}
