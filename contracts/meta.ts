/** Who is behind a request: made by the gateway from a checked access token, never taken from a client. */
export interface Caller {
  readonly userId: string;
  readonly sessionId: string;
  readonly deviceId: string;
}

export type Language = "en" | "zh";

/** `ctx.meta`: who and which request, never business data. It travels with every call. */
export interface Meta {
  caller?: Caller;
  /** The connection a socket request came over; it is left out of what the request causes to be pushed. */
  connectionId?: string;
  /** Address of the client, after trusted proxies. */
  address?: string;
  /** What the client asked for; without it the user's own setting holds. */
  language?: Language;
  /** W3C trace context of the caller, where the request is traced. */
  traceparent?: string;
  /** Set by what makes something once: it was made before, by the same request. */
  repeated?: boolean;
}
