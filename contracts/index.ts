import type { ActionContract, ParamsOf, ResultOf } from "./define.ts";
import { authContract } from "./services/auth.ts";
import { conversationContract } from "./services/conversation.ts";
import { friendContract } from "./services/friend.ts";
import { groupContract } from "./services/group.ts";
import { messageContract } from "./services/message.ts";
import { notificationContract } from "./services/notification.ts";
import { compensatorContract, persisterContract, socketContract } from "./services/pipeline.ts";
import { presenceContract } from "./services/presence.ts";
import { schedulerContract } from "./services/scheduler.ts";
import { settingsContract } from "./services/settings.ts";
import { syncContract } from "./services/sync.ts";
import { userContract } from "./services/user.ts";

/** Every action of every service. An action that is not here cannot be called; one that is here must be implemented. */
export const contracts = {
  auth: authContract,
  compensator: compensatorContract,
  conversation: conversationContract,
  friend: friendContract,
  group: groupContract,
  message: messageContract,
  notification: notificationContract,
  persister: persisterContract,
  presence: presenceContract,
  scheduler: schedulerContract,
  settings: settingsContract,
  socket: socketContract,
  sync: syncContract,
  user: userContract,
};

type All = typeof contracts;
export type ServiceName = keyof All;
type Flat = { [S in ServiceName]: { [A in keyof All[S] & string as `${S}.${A}`]: All[S][A] } }[ServiceName];
type Merge<U> = (U extends unknown ? (value: U) => void : never) extends (value: infer I) => void ? I : never;
/** `"message.send"` → its contract. */
export type Actions = Merge<Flat>;
export type ActionName = keyof Actions & string;
type Contract<N extends ActionName> = Actions[N] extends ActionContract ? Actions[N] : never;
export type Params<N extends ActionName> = ParamsOf<Contract<N>>;
export type Result<N extends ActionName> = ResultOf<Contract<N>>;
export type ActionsOf<S extends ServiceName> = All[S];

/** The contract of an action by its full name; null when there is none. */
export function contractOf(name: string): ActionContract | null {
  const [service, action] = name.split(".") as [string, string | undefined];
  const actions = (contracts as Record<string, Record<string, ActionContract>>)[service];
  return action !== undefined && actions && Object.hasOwn(actions, action) ? (actions[action] ?? null) : null;
}
