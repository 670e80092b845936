/** Date and time in full. */
export function fullTime(time: string, language: string): string {
  const format = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short", timeZone: "Asia/Seoul" });
  return format.format(new Date(time));
}

const STEPS = [
  ["minute", 60, 60],
  ["hour", 3600, 24],
  ["day", 86_400, 7],
] as const;

/** How long ago, as people say it; the date after a week. */
export function shortTime(time: string, language: string, now: number): string {
  const seconds = Math.max(0, (now - Date.parse(time)) / 1000);
  const ago = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  if (seconds < 60) return ago.format(0, "second");
  for (const [unit, length, most] of STEPS) {
    const count = Math.floor(seconds / length);
    if (count < most) return ago.format(-count, unit);
  }
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "Asia/Seoul" }).format(new Date(time));
}
