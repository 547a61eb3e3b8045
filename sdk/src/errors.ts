/** What the server refused, or that it could not be reached (`code` 0). */
export class ImError extends Error {
  override readonly name = "ImError";
  /** Of the server's table of errors; 0: no answer. */
  readonly code: number;
  /** HTTP status; 0 for socket events and without an answer. */
  readonly status: number;
  /** What the server added to help, such as the fields of bad input. */
  readonly data: Readonly<Record<string, unknown>> | null;

  constructor(code: number, message: string, { status = 0, data = null }: Partial<Pick<ImError, "status" | "data">> = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.data = data;
  }

  /** The same request may succeed later without change. */
  get isRetryable(): boolean {
    return this.code === 0 || this.data?.["retryable"] === true || this.retryAfterMs > 0;
  }

  /** How long to wait before the next try, as the server said; 0: it did not say. */
  get retryAfterMs(): number {
    const given = this.data?.["retryAfterMs"];
    return typeof given === "number" && Number.isFinite(given) ? Math.max(0, given) : 0;
  }
}
