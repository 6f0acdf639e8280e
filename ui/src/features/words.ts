import { useTranslate, type Translate } from "../base/i18n";
import type { SharedWords } from "../base/i18n/shared";
import type { carrier } from "../words/carrier.en";

type CarrierWords = SharedWords & typeof carrier;

/** Says words of the carrier's window. */
export const useWords = (): Translate<CarrierWords> => useTranslate<CarrierWords>();
