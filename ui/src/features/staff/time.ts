// Time as shown: it ticks on the screen, and Intl says it. The server's clock is the one that counts.

import { useEffect, useMemo, useState } from "react";
import { localeOf, useLanguage, type Language } from "../../base/i18n";
import { useApp } from "../../base/query";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The time now by the server's clock, refreshed every `everyMs`. */
export function useNow(everyMs = 10_000): number {
  const off = useApp().data?.clock_off_s ?? 0;
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now + off * 1000;
}

/** Lengths of time of one language: "4 min", "1 hr, 5 min", "2 days". */
export function spans(language: Language) {
  const locale = localeOf(language);
  const format = (value: number, unit: "minute" | "hour" | "day") =>
    new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: unit === "day" ? "long" : "short" }).format(value);
  const list = new Intl.ListFormat(locale, { type: "unit", style: "narrow" });
  return (ms: number): string => {
    const whole = Math.max(0, ms);
    if (whole >= 2 * DAY) return format(Math.floor(whole / DAY), "day");
    const hours = Math.floor(whole / HOUR);
    const minutes = Math.floor((whole % HOUR) / MINUTE);
    if (hours === 0) return format(minutes, "minute");
    return minutes === 0 ? format(hours, "hour") : list.format([format(hours, "hour"), format(minutes, "minute")]);
  };
}

/** Lengths of time in the language of the screen. */
export function useSpans(): (ms: number) => string {
  const language = useLanguage();
  return useMemo(() => spans(language), [language]);
}

/** The day of a moment here as `YYYY-MM-DD`, for a date field. */
export function dayOf(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The day so many days after `day`. */
export function dayAfter(day: string, days: number): string {
  const date = new Date(`${day}T12:00`);
  date.setDate(date.getDate() + days);
  return dayOf(date.getTime());
}
