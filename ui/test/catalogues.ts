// The catalogues, as the tests of words read them.

import type { Catalogue } from "../src/base/i18n";
import { carrier as carrierEn } from "../src/words/carrier.en";
import { carrier as carrierEs } from "../src/words/carrier.es";
import { phone as phoneEn } from "../src/words/phone.en";
import { phone as phoneEs } from "../src/words/phone.es";
import { shared as sharedEn } from "../src/words/shared.en";
import { shared as sharedEs } from "../src/words/shared.es";
import { staff as staffEn } from "../src/words/staff.en";
import { staff as staffEs } from "../src/words/staff.es";
import { versions as versionsEn } from "../src/words/versions.en";
import { versions as versionsEs } from "../src/words/versions.es";

export type Pair = { name: string; en: Catalogue; es: Catalogue };

/** Catalogues whose words a hurt person reads under stress. */
export const PAIRS: Pair[] = [
  { name: "shared", en: sharedEn, es: sharedEs },
  { name: "carrier", en: carrierEn, es: carrierEs },
  { name: "staff", en: staffEn, es: staffEs },
  { name: "phone", en: phoneEn, es: phoneEs },
  { name: "versions", en: versionsEn, es: versionsEs },
];

/** Every text of a catalogue with its key; a plural gives one for each form. */
export function textsOf(catalogue: Catalogue): { key: string; text: string }[] {
  return Object.entries(catalogue).flatMap(([key, message]) =>
    typeof message === "string"
      ? [{ key, text: message }]
      : [{ key: `${key}.one`, text: message.one }, { key: `${key}.other`, text: message.other }],
  );
}
