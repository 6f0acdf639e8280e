// Codes from Rust as words. A code that the window does not know is shown as it is, not hidden.

import { useMemo } from "react";
import type { DutyView, HurtPlace } from "../../ipc/bindings";
import { useFormats, type Formats } from "./format";
import { useShared, type SharedWords } from "./shared";
import { useLanguage, type Translate } from ".";

const known = <const T extends readonly string[]>(list: T, code: string): T[number] | undefined =>
  list.find((item) => item === code);

/** Urgency codes, most urgent first. */
export const URGENCIES = ["call_911", "ed_now", "today", "hours_24", "days", "self_care"] as const;
const VENUES = ["home", "video", "in_person", "emergency_department", "ambulance"] as const;
const ROLES = ["carrier", "clinician", "nurse", "manager", "hr", "compliance", "administrator", "system"] as const;
const READERS = ["carrier", "clinician", "nurse", "manager"] as const;
const QUALITIES = ["good", "weak", "picture_small", "picture_paused", "reconnecting"] as const;

function words(t: Translate<SharedWords>, f: Formats, language: string) {
  const placeWords = (place: HurtPlace): string => {
    const part = t(`part.${place.part}`);
    const lower = language === "en" && place.side !== "middle" ? part.toLowerCase() : part;
    return t(`place.${place.side}`, { part: lower });
  };
  return {
    urgency: (code: string) => {
      const urgency = known(URGENCIES, code);
      return urgency ? t(`urgency.${urgency}`) : code;
    },
    timeLimit: (code: string) => {
      const urgency = known(URGENCIES, code);
      return urgency ? t(`urgency.limit.${urgency}`) : code;
    },
    venue: (code: string) => {
      const venue = known(VENUES, code);
      return venue ? t(`venue.${venue}`) : code;
    },
    role: (code: string) => {
      const role = known(ROLES, code);
      return role ? t(`role.${role}`) : code;
    },
    /** Who calls: "Ada Okafor, clinician" comes with the code of the role. */
    caller: (name: string) => {
      const comma = name.lastIndexOf(", ");
      const role = known(ROLES, name.slice(comma + 2));
      return comma > 0 && role ? `${name.slice(0, comma)}, ${t(`role.${role}`).toLowerCase()}` : name;
    },
    /** "A nurse". */
    aReader: (code: string) => t(`role.a.${known(READERS, code) ?? "other"}`),
    quality: (code: string) => {
      const quality = known(QUALITIES, code);
      return quality ? t(`visit.quality.${quality}`) : code;
    },
    /** "Left hand". */
    place: placeWords,
    /** "Left hand · Right knee". */
    places: (places: HurtPlace[]) => places.map(placeWords).join(" · "),
    /** "From Saturday … until …". */
    dutyDates: (duty: DutyView) =>
      duty.until
        ? t("duty.until", { from: f.date(duty.from), until: f.date(duty.until) })
        : t("duty.open", { from: f.date(duty.from) }),
  };
}

/** Codes as words of the language of the screen. */
export function useCodes() {
  const t = useShared();
  const f = useFormats();
  const language = useLanguage();
  return useMemo(() => words(t, f, language), [t, f, language]);
}
