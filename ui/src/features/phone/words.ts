import { useCatalogue, type Translate } from "../../base/i18n";
import { phone as en } from "../../words/phone.en";
import { phone as es } from "../../words/phone.es";

export type PhoneWords = Translate<typeof en>;

const BOTH = { en, es };

/** Says words about the phone itself; they come with its screens. */
export const usePhoneWords = (): PhoneWords => useCatalogue<typeof en>(BOTH);
