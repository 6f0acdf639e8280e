// The carrier's window loads the words of one language at a time.

import type { Catalogues } from "../base/i18n";

export const carrierWords: Catalogues = {
  en: async () => {
    const [a, b] = await Promise.all([import("./shared.en"), import("./carrier.en")]);
    return { ...a.shared, ...b.carrier };
  },
  es: async () => {
    const [a, b] = await Promise.all([import("./shared.es"), import("./carrier.es")]);
    return { ...a.shared, ...b.carrier };
  },
};
