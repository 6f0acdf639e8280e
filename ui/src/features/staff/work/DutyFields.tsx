import { Button } from "../../../base/components/Button";
import { Field } from "../../../base/components/Field";
import { Loaded } from "../../../base/components/Loaded";
import { CheckTile } from "../../../base/components/Tile";
import type { DutyForm, DutyView, Limit, WorkStatus } from "../../../ipc/bindings";
import { useDutyChoices } from "../queries";
import { dayAfter, dayOf } from "../time";
import { useStaffWords } from "../words";

/** What is filled in so far; Rust judges the whole. */
export type DutyDraft = { status: WorkStatus | null; limits: Limit[]; from: string; until: string };

/** A form to start from. */
export const dutyDraft = (duty: DutyView | null, now: number): DutyDraft =>
  duty
    ? { status: duty.status, limits: duty.limits, from: duty.from, until: duty.until ?? "" }
    : { status: null, limits: [], from: dayOf(now), until: "" };

/** The form as sent, or the word for what is missing. */
export function dutyForm(draft: DutyDraft): { form: DutyForm } | { missing: "status" | "limits" | "from" | "until" } {
  if (draft.status === null) return { missing: "status" };
  if (draft.status === "restricted" && draft.limits.length === 0) return { missing: "limits" };
  if (draft.from === "") return { missing: "from" };
  if (draft.until !== "" && draft.until < draft.from) return { missing: "until" };
  return { form: { status: draft.status, limits: draft.limits, from: draft.from, until: draft.until || null } };
}

const QUICK_DAYS = [3, 7, 14] as const;

/** Status, limits and dates, for the clinician's advice and the manager's own decision. */
export function DutyFields(props: { id: string; value: DutyDraft; onChange: (value: DutyDraft) => void }) {
  const t = useStaffWords();
  const choices = useDutyChoices();
  const { id, value, onChange } = props;
  // Only restricted duty has limits: choosing another status takes them off.
  const choose = (status: WorkStatus) => onChange({ ...value, status, limits: status === "restricted" ? value.limits : [] });
  const toggle = (limit: Limit, on: boolean) =>
    onChange({ ...value, limits: on ? [...value.limits, limit] : value.limits.filter((item) => item !== limit) });
  return (
    <Loaded query={choices}>
      {({ statuses, limits }) => (
        <>
          <div className="statuses" role="group" aria-label={t("duty.status")}>
            {statuses.map((status) => (
              <Button key={status} id={`${id}-status-${status}`} pressed={value.status === status} onPress={() => choose(status)}>
                {t(`duty.${status}`)}
              </Button>
            ))}
          </div>
          {value.status === "restricted" && (
            <fieldset className="limits">
              <legend className="field__label">{t("duty.limits")}</legend>
              {limits.map((limit) => (
                <CheckTile
                  key={limit}
                  id={`${id}-limit-${limit}`}
                  name={`${id}-limit`}
                  checked={value.limits.includes(limit)}
                  onChange={(on) => toggle(limit, on)}
                >
                  {t(`limit.${limit}`)}
                </CheckTile>
              ))}
            </fieldset>
          )}
          <div className="dates">
            <Field id={`${id}-from`} type="date" label={t("duty.fromLabel")} value={value.from} onChange={(from) => onChange({ ...value, from })} />
            <Field id={`${id}-until`} type="date" label={t("duty.untilLabel")} value={value.until} onChange={(until) => onChange({ ...value, until })} />
            <div className="quick" role="group" aria-label={t("duty.untilLabel")}>
              {QUICK_DAYS.map((days) => {
                const until = value.from && dayAfter(value.from, days);
                return (
                  <Button key={days} id={`${id}-until-${days}`} pressed={until !== "" && value.until === until} onPress={() => until && onChange({ ...value, until })}>
                    {t("duty.days", { count: days })}
                  </Button>
                );
              })}
              <Button id={`${id}-until-open`} pressed={value.until === ""} onPress={() => onChange({ ...value, until: "" })}>{t("duty.openEnd")}</Button>
            </div>
          </div>
        </>
      )}
    </Loaded>
  );
}
