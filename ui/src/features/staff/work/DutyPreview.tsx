import { useCodes } from "../../../base/i18n/codes";
import type { DutyView } from "../../../ipc/bindings";
import { useStaffWords } from "../words";

/** A status with its limits and dates, in the words that a supervisor reads. No word of the illness. */
export function DutyWords(props: { id: string; duty: DutyView; name?: string }) {
  const t = useStaffWords();
  const code = useCodes();
  const { duty, name } = props;
  return (
    <div className="duty-words" data-testid={props.id} data-status={duty.status}>
      <p>
        {name && <>{name}: </>}
        <strong>{t(`duty.${duty.status}`)}</strong>
      </p>
      <p>{code.dutyDates(duty)}</p>
      {duty.limits.length > 0 && (
        <ul>
          {duty.limits.map((limit) => <li key={limit}>{t(`limit.${limit}`)}</li>)}
        </ul>
      )}
    </div>
  );
}
