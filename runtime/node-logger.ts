import { Loggers } from "moleculer";
import { logEntry, type LogLevel, type LogSource } from "./log-entry.ts";
import type { LogWriter } from "./log-writers.ts";

const ORDER: readonly LogLevel[] = ["fatal", "error", "warn", "info", "debug", "trace"];

/** What the framework says at each start and stop; of interest to those who debug. */
const FRAMEWORK_NOTICES = [
  /^Service '.*' (started|stopped)\.$/,
  /^Waiting for service\(s\)/,
  /^Service\(s\) '.*' are available/,
  /^Connecting to the transporter/,
];
const FRAMEWORK_MODULES = new Set(["broker", "registry"]);
/** What the framework says of each call that fails, whose caller is told as well; in an outage that is all of them. */
const CALL_FAILURES = [
  /^Request '.*' is timed out/,
  /^Service '.*' is not (available|registered|found)/,
  /^Unable to send '.*' (request|response|event)/,
];
const CALL_FAILURES_EVERY_MS = 5_000;
/** Said again, in one line, by who started the node. */
const SAID_BY_STARTER = "Unable to start all services.";

/** The broker's logger: every line, whoever says it, becomes a `LogEntry`. */
export class NodeLogger extends Loggers.Base<Loggers.Base.LoggerOptions> {
  readonly #write: LogWriter;
  readonly #least: number;
  /** When each of the `CALL_FAILURES` was last written. */
  readonly #failuresAt = new Map<RegExp, number>();

  /** @param level least level that is written */
  constructor(level: LogLevel, write: LogWriter) {
    super({ level });
    this.#write = write;
    this.#least = ORDER.indexOf(level);
  }

  override getLogHandler(bindings: LogSource | null): Loggers.Base.LogHandler {
    const source = bindings ?? {};
    return (type, args) => {
      const level = this.#isRepeatedFailure(args[0]) ? "debug" : levelOf(type, args[0], source);
      if (ORDER.indexOf(level) <= this.#least) this.#write(logEntry(level, args, source, Date.now()));
    };
  }

  /** One of each kind is enough for a while. */
  #isRepeatedFailure(first: unknown): boolean {
    const kind = typeof first === "string" ? CALL_FAILURES.find((failure) => failure.test(first)) : undefined;
    if (!kind) return false;
    const now = performance.now();
    if (now - (this.#failuresAt.get(kind) ?? -Infinity) < CALL_FAILURES_EVERY_MS) return true;
    this.#failuresAt.set(kind, now);
    return false;
  }
}

function levelOf(level: LogLevel, first: unknown, { mod }: LogSource): LogLevel {
  if (first === SAID_BY_STARTER) return "debug";
  if (level !== "info") return level;
  const isNotice =
    FRAMEWORK_MODULES.has(mod ?? "") || (typeof first === "string" && FRAMEWORK_NOTICES.some((notice) => notice.test(first)));
  return isNotice ? "debug" : level;
}
