import { useCatalogue, type Translate } from "../../base/i18n";
import { versions as en } from "../../words/versions.en";
import { versions as es } from "../../words/versions.es";

export type VersionWords = Translate<typeof en>;

const BOTH = { en, es };

/** Says words of the screen with two versions; they come with that screen. */
export const useVersionWords = (): VersionWords => useCatalogue<typeof en>(BOTH);

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
