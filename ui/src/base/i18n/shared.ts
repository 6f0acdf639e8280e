import { useTranslate, type Translate } from ".";
import type { shared } from "../../words/shared.en";

export type SharedWords = typeof shared;

/** Says words that both windows have. */
export const useShared = (): Translate<SharedWords> => useTranslate<SharedWords>();
