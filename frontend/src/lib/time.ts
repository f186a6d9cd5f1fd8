import { language, t } from "../i18n";

const formats = new Map<string, Intl.DateTimeFormat>();

/** "14:05" or "2:05 PM", as the locale has it. */
export function clock(time: Date): string {
  return format(time, { hour: "numeric", minute: "2-digit" });
}

/** The day as a separator names it: Today, Yesterday, a weekday within the week, else a date. */
export function dayLabel(time: Date, now: Date): string {
  const days = daysBetween(time, now);
  if (days === 0) return t.time.today;
  if (days === 1) return t.time.yesterday;
  if (days > 1 && days < 7) return format(time, { weekday: "long" });
  if (time.getFullYear() === now.getFullYear()) {
    return format(time, { weekday: "long", day: "numeric", month: "long" });
  }
  return format(time, { day: "numeric", month: "long", year: "numeric" });
}

/** The time as a row of a list has room for it. */
export function shortTime(time: Date, now: Date): string {
  const days = daysBetween(time, now);
  if (days <= 0) return clock(time);
  if (days === 1) return t.time.yesterday;
  if (days < 7) return format(time, { weekday: "short" });
  if (time.getFullYear() === now.getFullYear()) return format(time, { day: "numeric", month: "short" });
  return format(time, { day: "numeric", month: "numeric", year: "2-digit" });
}

/** When somebody was last seen, within a sentence. */
export function seenTime(time: Date, now: Date): string {
  const days = daysBetween(time, now);
  if (days <= 0) return clock(time);
  return days === 1 ? t.time.seenYesterday : format(time, { day: "numeric", month: "short" });
}

/** Everything, for a tooltip. */
export function fullTime(time: Date): string {
  return format(time, { dateStyle: "full", timeStyle: "short" });
}

/** Calendar days in local time from `time` to `now`; summer time does not disturb it. */
export function daysBetween(time: Date, now: Date): number {
  const day = (date: Date) => Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((day(now) - day(time)) / 86_400_000);
}

function format(time: Date, options: Intl.DateTimeFormatOptions): string {
  const { locale } = language;
  const key = locale + JSON.stringify(options);
  let made = formats.get(key);
  if (!made) formats.set(key, (made = new Intl.DateTimeFormat(locale, options)));
  return made.format(time);
}
