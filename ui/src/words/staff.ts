// The staff window loads the words of one language at a time.

import type { Catalogues } from "../base/i18n";

export const staffWords: Catalogues = {
  en: async () => {
    const [a, b] = await Promise.all([import("./shared.en"), import("./staff.en")]);
    return { ...a.shared, ...b.staff };
  },
  es: async () => {
    const [a, b] = await Promise.all([import("./shared.es"), import("./staff.es")]);
    return { ...a.shared, ...b.staff };
  },
};
