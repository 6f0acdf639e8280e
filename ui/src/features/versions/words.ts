import { useMemo } from "react";
import { say, useLanguage, type Catalogue, type Translate } from "../../base/i18n";
import { versions as en } from "../../words/versions.en";
import { versions as es } from "../../words/versions.es";

export type VersionWords = Translate<typeof en>;

/** Says words of the screen with two versions; they come with that screen. */
export function useVersionWords(): VersionWords {
  const language = useLanguage();
  return useMemo(() => {
    const words: Catalogue = language === "es" ? es : en;
    return (key: string, values?: Record<string, string | number>) => say(language, words[key] ?? key, values ?? {});
  }, [language]);
}

const within = <const T extends readonly string[]>(list: T, code: string): T[number] | undefined => list.find((known) => known === code);

const KINDS = ["report", "addition", "check", "photo", "task", "note", "visit", "order", "appointment"] as const;

/** "Report". */
export const kindWords = (t: VersionWords, kind: string) => t(`versions.kind.${within(KINDS, kind) ?? "change"}`);

const STATUSES = [
  "draft", "preliminary", "final", "amended", "entered-in-error", "requested", "accepted", "in-progress", "on-hold", "completed",
  "cancelled", "rejected", "active", "revoked", "booked", "planned", "finished",
] as const;

/** "Signed". A code without words is shown as it is. */
export function statusWords(t: VersionWords, code: string): string {
  const status = within(STATUSES, code);
  return status ? t(`versions.status.${status}`) : code;
}
