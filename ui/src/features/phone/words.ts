import { useMemo } from "react";
import { say, useLanguage, type Catalogue, type Translate } from "../../base/i18n";
import { phone as en } from "../../words/phone.en";
import { phone as es } from "../../words/phone.es";

export type PhoneWords = Translate<typeof en>;

/** Says words about the phone itself; they come with its screens. */
export function usePhoneWords(): PhoneWords {
  const language = useLanguage();
  return useMemo(() => {
    const words: Catalogue = language === "es" ? es : en;
    return (key: string, values?: Record<string, string | number>) => say(language, words[key] ?? key, values ?? {});
  }, [language]);
}
