// Moments, days, distances and lists in the words of the language. All by Intl.

import { useMemo } from "react";
import { localeOf, useLanguage, type Language } from ".";

/** A moment from Rust: milliseconds since 1970, or none. */
export type Moment = number | null | undefined;

const KM_PER_MILE = 1.609344;
const FEET_PER_METRE = 3.28084;

/** Formats of one language. */
export function formats(language: Language) {
  const locale = localeOf(language);
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
  const day = new Intl.DateTimeFormat(locale, { weekday: "short", month: "short", day: "numeric" });
  const longDay = new Intl.DateTimeFormat(locale, { dateStyle: "full" });
  const both = new Intl.DateTimeFormat(locale, {
    weekday: "short", month: "short", day: "numeric", hour: "numeric", minute: "2-digit",
  });
  const withYear = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  const today = () => day.format(Date.now());

  return {
    /** "11:05 AM" today; with the day otherwise. */
    moment(at: Moment): string {
      if (typeof at !== "number") return "";
      return day.format(at) === today() ? clock.format(at) : both.format(at);
    },
    /** "11:05 AM". */
    clock: (at: Moment) => (typeof at === "number" ? clock.format(at) : ""),
    /** "Nov 21, 2026, 11:05 AM". */
    stamp: (at: Moment) => (typeof at === "number" ? withYear.format(at) : ""),
    /** "Sat, Nov 21". */
    day: (at: Moment) => (typeof at === "number" ? day.format(at) : ""),
    /** "Saturday, November 21, 2026" from `YYYY-MM-DD`. */
    date: (date: string) => longDay.format(new Date(`${date}T00:00`)),
    /** A number with its unit: "250 ms", "2 hr". */
    unit: (value: number, unit: "second" | "minute" | "hour" | "kilobyte" | "millisecond", digits = 0) =>
      new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: digits }).format(value),
    /** "3.4 MB", "120 kB", "9 bytes": thousands, as phones count; the number stays with its unit. */
    bytes(bytes: number | null): string {
      const value = bytes ?? 0;
      const steps = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;
      const step = value < 1 ? 0 : Math.min(steps.length - 1, Math.floor(Math.log10(value) / 3));
      const shown = value / 1000 ** step;
      return new Intl.NumberFormat(locale, {
        style: "unit", unit: steps[step] ?? "byte", unitDisplay: step > 0 ? "short" : "long", maximumFractionDigits: shown < 10 && step > 0 ? 1 : 0,
      }).format(shown).replace(" ", "\u00a0");
    },
    /** "7.5 mi": people here drive in miles, whatever the record counts in. */
    distance: (kilometres: number) =>
      new Intl.NumberFormat(locale, { style: "unit", unit: "mile", maximumFractionDigits: 1 }).format(kilometres / KM_PER_MILE),
    /** "40 feet", from metres, as people and 911 call it here. Whole tens: more would be pretended. */
    near: (metres: number) =>
      new Intl.NumberFormat(locale, { style: "unit", unit: "foot", unitDisplay: "long", maximumFractionDigits: 0 })
        .format(Math.max(10, Math.ceil((metres * FEET_PER_METRE) / 10) * 10)),
    /** "15 min", or whole hours where it fits. */
    minutes(count: number): string {
      return count >= 60 && count % 60 === 0 ? this.unit(count / 60, "hour") : this.unit(count, "minute");
    },
    /** "1,234". */
    number: (value: number, digits = 0) => new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value),
    /** "44.97780, -93.26500": read out as figures, so not in the manner of the language. */
    position: (at: { latitude: number | null; longitude: number | null }) =>
      `${(at.latitude ?? 0).toFixed(5)}, ${(at.longitude ?? 0).toFixed(5)}`,
    /** "head, left hand and right knee". */
    list: (items: string[]) => new Intl.ListFormat(locale, { type: "conjunction" }).format(items),
  };
}

export type Formats = ReturnType<typeof formats>;

/** Formats of the language of the screen. */
export function useFormats(): Formats {
  const language = useLanguage();
  return useMemo(() => formats(language), [language]);
}
