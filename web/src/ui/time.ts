import { localeTag, t } from "../i18n/index.ts";

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;

const startOfDay = (at: number): number => new Date(at).setHours(0, 0, 0, 0);
const format = (at: number, options: Intl.DateTimeFormatOptions): string =>
  new Intl.DateTimeFormat(localeTag.value, options).format(at);

/** Hours and minutes. */
export const timeOfDay = (at: number): string => format(at, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** The whole date and time, for titles and details. */
export const fullTime = (at: number): string => format(at, { dateStyle: "long", timeStyle: "short" });

/** For lists: the time of today, yesterday, the weekday of the last days, else the date. */
export function shortTime(at: number, now = Date.now()): string {
  const today = startOfDay(now);
  if (at >= today) return timeOfDay(at);
  if (at >= startOfDay(today - 1)) return t("shell.yesterday");
  if (at >= today - WEEK_MS + DAY_MS) return format(at, { weekday: "short" });
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return format(at, sameYear ? { month: "numeric", day: "numeric" } : { year: "numeric", month: "numeric", day: "numeric" });
}

/** A day as a separator of messages names it: today, yesterday, else the date. */
export function dayName(at: number, now = Date.now()): string {
  const today = startOfDay(now);
  const day = startOfDay(at);
  const relative = new Intl.RelativeTimeFormat(localeTag.value, { numeric: "auto" });
  if (day === today) return relative.format(0, "day");
  if (day === startOfDay(today - 1)) return relative.format(-1, "day");
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return format(at, { weekday: "short", month: "long", day: "numeric", ...(sameYear ? {} : { year: "numeric" }) });
}
