/** What a node of the cluster does. */
export type Role = "core" | "gateway" | "persister" | "compensator" | "all";

/** Services that neither serve clients nor work on the message log. */
export const CORE_SERVICES: readonly string[] = [
  ...["auth", "user", "friend", "group", "conversation", "message", "notification", "presence", "scheduler", "settings", "sync"],
];

/** Services of each role (`IM_SERVICES`); null: every service. */
export const ROLE_SERVICES: Readonly<Record<Role, readonly string[] | null>> = {
  core: CORE_SERVICES,
  gateway: ["api", "socket"],
  persister: ["persister"],
  compensator: ["compensator"],
  all: null,
};

export interface NodeSpec {
  readonly name: string;
  readonly role: Role;
  /** Port of REST and Socket.IO, on those that serve clients; any free one when left out. */
  readonly port?: number;
  /** Settings of this node alone. */
  readonly env?: Readonly<Record<string, string>>;
  /** Flags of its Node.js, such as `--import` of a module. */
  readonly nodeFlags?: readonly string[];
}

/** Two of what clients wait for, one of what works behind. */
export const SMALL_CLUSTER: readonly NodeSpec[] = [
  { name: "core-1", role: "core" },
  { name: "core-2", role: "core" },
  { name: "gateway-1", role: "gateway", port: 3000 },
  { name: "gateway-2", role: "gateway", port: 3001 },
  { name: "persister-1", role: "persister" },
  { name: "compensator-1", role: "compensator" },
];

export const servesClients = (role: Role): boolean => role === "gateway" || role === "all";
