// Staff words for codes. A code that the window does not know is shown as it is, not hidden.

import { useMemo } from "react";
import { localeOf, useLanguage } from "../../base/i18n";
import { URGENCIES, useCodes } from "../../base/i18n/codes";
import { useStaffWords } from "./words";

const PRIORITIES = ["stat", "asap", "urgent", "routine"] as const;
const KINDS = ["condition", "immunization", "report", "visit", "observation"] as const;
const ADDITIONS = ["correction", "addition", "worse"] as const;

const VISITS = ["planned", "in-progress", "finished", "cancelled"] as const;
const WHAT = ["animal", "fall", "lifting", "vehicle", "heat", "cold", "cut", "sting", "chemical", "assault", "other"] as const;

/** Codes of the staff window as words. */
export function useStaffCodes() {
  const t = useStaffWords();
  const shared = useCodes();
  const language = useLanguage();
  return useMemo(() => {
    const birth = new Intl.DateTimeFormat(localeOf(language), { dateStyle: "long" });
    const day = new Intl.DateTimeFormat(localeOf(language), { dateStyle: "medium" });
    const names = new Intl.DisplayNames(localeOf(language), { type: "language" });
    return {
      ...shared,
      priority: (code: string) => {
        const known = PRIORITIES.find((item) => item === code);
        return known ? t(`priority.${known}`) : code;
      },
      checkResult: (code: string) => {
        const known = URGENCIES.find((item) => item === code);
        return known ? t(`checked.${known}`) : code;
      },
      historyKind: (code: string) => {
        const known = KINDS.find((item) => item === code);
        return known ? t(`history.${known}`) : code;
      },
      addition: (code: string) => {
        const known = ADDITIONS.find((item) => item === code);
        return known ? t(`addition.${known}`) : code;
      },
      /** "March 9, 1984" from `YYYY-MM-DD`. */
      birth: (date: string) => birth.format(new Date(`${date}T12:00`)),
      /** "Jun 3, 2014". */
      day: (at: number) => day.format(at),
      /** Words of the record; what happened in an earlier report, and how a visit went, come as codes. */
      history: (kind: string, text: string) => {
        const visit = VISITS.find((item) => kind === "visit" && item === text);
        if (visit) return t(`history.visit.${visit}`);
        const known = WHAT.find((item) => kind === "report" && item === text);
        return known ? t(`what.${known}`) : text;
      },
      /** "Spanish". */
      language: (tag: string) => {
        try {
          return names.of(tag) ?? tag;
        } catch {
          return tag;
        }
      },
    };
  }, [t, shared, language]);
}
