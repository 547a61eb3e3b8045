const MINUTE_MS = 60_000;
const steps = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", MINUTE_MS],
] as const;

/** "5 minutes ago", "in 2 days"; less than a minute is this minute. What is to come is rounded, so that a week begins with 7 days. Times are epoch ms. */
export function relativeTime(at: number, now: number, language: string): string {
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const away = at - now;
  for (const [unit, ms] of steps) {
    const count = away > 0 ? Math.round(away / ms) : Math.ceil(away / ms);
    if (count !== 0) return format.format(count, unit);
  }
  return format.format(0, "minute");
}
