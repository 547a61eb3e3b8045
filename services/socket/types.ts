import type { Server as Engine } from "engine.io";
import type { Server, Socket } from "socket.io";
import type { Result } from "../../contracts/index.ts";

/** Who is behind a connection: from its access token, renewed by `auth:renew`. */
export interface ConnectionData {
  identity: Result<"auth.verify">;
  language: "en" | "zh";
  address: string;
  /** Groups at the moment of connecting. */
  rooms: string[];
  /** Events of this connection so far, for request ids. */
  events: number;
}
type Events = Record<string, (...args: unknown[]) => void>;
export type ImServer = Server<Events, Events, Events, ConnectionData>;
export type ImSocket = Socket<Events, Events, Events, ConnectionData>;
export type { Engine };
