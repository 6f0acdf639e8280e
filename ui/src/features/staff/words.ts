import { useTranslate, type Translate } from "../../base/i18n";
import type { SharedWords } from "../../base/i18n/shared";
import type { staff } from "../../words/staff.en";

export type StaffWords = SharedWords & typeof staff;

/** Says words of the staff window. */
export const useStaffWords = (): Translate<StaffWords> => useTranslate<StaffWords>();
