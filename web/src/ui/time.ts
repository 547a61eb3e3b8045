/** Times are epoch ms; `language` is a BCP 47 tag. Formats are kept: making one costs more than all its uses on a screen. */
const formats = new Map<string, Intl.DateTimeFormat>();

function format(language: string, name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language}/${name}`;
  const known = formats.get(key);
  if (known) return known;
  const made = new Intl.DateTimeFormat(language, options);
  formats.set(key, made);
  return made;
}

const DAY_MS = 86_400_000;

const two = (value: number): string => String(value).padStart(2, "0");

/** Hours and minutes, the same in all languages. */
export function clock(at: number): string {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
}

export const fullTime = (at: number, language: string): string =>
  format(language, "full", { dateStyle: "full", timeStyle: "short" }).format(at);

const midnight = (at: number): number => new Date(at).setHours(0, 0, 0, 0);

/** Whole days from one day to another, as calendars count them. */
export const daysBetween = (at: number, now: number): number => Math.round((midnight(now) - midnight(at)) / DAY_MS);

/** "Today", "Yesterday", "Monday, March 2", with the year when it is not this one. */
export function dayLabel(at: number, now: number, language: string): string {
  const days = daysBetween(at, now);
  if (days === 0 || days === 1) {
    const words = new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(-days, "day");
    return words.charAt(0).toLocaleUpperCase(language) + words.slice(1);
  }
  const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  const options = { weekday: "long", month: "long", day: "numeric" } as const;
  return isThisYear
    ? format(language, "day", options).format(at)
    : format(language, "day-year", { ...options, year: "numeric" }).format(at);
}

/** For a row of a list: the time of day, "Yesterday", a weekday within the week, else the date. */
export function shortTime(at: number, now: number, language: string): string {
  const days = daysBetween(at, now);
  if (days <= 0) return clock(at);
  if (days === 1) return dayLabel(at, now, language);
  if (days < 7) return format(language, "weekday", { weekday: "short" }).format(at);
  return format(language, "date", { year: "2-digit", month: "numeric", day: "numeric" }).format(at);
}

/** A span in its largest unit and the next one: "3d 4h", "2m 5s", "9s". */
export function shortSpan(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "0s";
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(" ");
}

/** Length of a call or a voice message: "1:05", "1:02:03". */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

const STEPS = [
  ["day", DAY_MS],
  ["hour", 3_600_000],
  ["minute", 60_000],
] as const;

/** "5 minutes ago", "in 2 days"; less than a minute is this minute. What is to come is rounded, so that a week begins with 7 days. */
export function relativeTime(at: number, now: number, language: string): string {
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const away = at - now;
  for (const [unit, ms] of STEPS) {
    const count = away > 0 ? Math.round(away / ms) : Math.ceil(away / ms);
    if (count !== 0) return format.format(count, unit);
  }
  return format.format(0, "minute");
}
