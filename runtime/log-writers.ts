import { inspect, styleText } from "node:util";
import { pino } from "pino";
import type { LogEntry, LogLevel } from "./log-entry.ts";

/** Writes one entry of the log. */
export type LogWriter = (entry: LogEntry) => void;

/** One JSON object a line on stdout, for programs. */
export function jsonWriter(): LogWriter {
  const format = { level: "trace", base: null, timestamp: false, formatters: { level: (level: string) => ({ level }) } };
  const logger = pino(format, pino.destination({ dest: 1, sync: true }));
  return ({ level, time, node, from, msg, ...fields }) => {
    logger[level]({ time: new Date(time).toISOString(), node, from, msg, ...fields });
  };
}

const COLORS = {
  fatal: "red",
  error: "red",
  warn: "yellow",
  info: "green",
  debug: "magenta",
  trace: "gray",
} as const satisfies Record<LogLevel, string>;

/** One line for people; an error's stack stands below it. */
export function readableLine({ time, level, from, msg, err, node: _node, ...fields }: LogEntry): string {
  const clock = styleText("gray", new Date(time).toISOString().slice(11, 23));
  const rest = Object.entries(fields).map(([name, value]) => styleText("gray", `${name}=${shown(value)}`));
  const line = [clock, styleText(COLORS[level], level.toUpperCase().padEnd(5)), `${from}:`, msg, ...rest].join(" ");
  if (!err) return line;
  return `${line}${msg === err.message ? "" : ` (${err.message})`}${err.stack === undefined ? "" : `\n${styleText("gray", err.stack)}`}`;
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : inspect(value, { breakLength: Infinity, depth: 3 });
}

/** What fits who reads stdout: JSON, or lines for people on a terminal. */
export function stdoutWriter(): LogWriter {
  return process.stdout.isTTY ? (entry) => void process.stdout.write(`${readableLine(entry)}\n`) : jsonWriter();
}
