import { useState } from "react";
import { Button } from "../../base/components/Button";
import { Trouble } from "../../base/components/Loaded";
import { useFormats } from "../../base/i18n/format";
import { useCommand } from "../../base/query";
import type { DecisionView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";
import { managerKey } from "../staff/queries";
import { DutyFields, dutyDraft, dutyForm, type DutyDraft } from "../staff/work/DutyFields";
import { DutyWords } from "../staff/work/DutyPreview";
import { useStaffWords } from "../staff/words";

/** A decision that waits: as recommended with one press, or changed and confirmed. */
export function Decision(props: { decision: DecisionView; number: number }) {
  const t = useStaffWords();
  const f = useFormats();
  const { decision, number } = props;
  const [changing, setChanging] = useState(false);
  const decide = useCommand(commands.decideDuty, { key: managerKey });
  return (
    <article className="card card--line" data-testid={`manager-decision-${number}`} data-task={decision.task}>
      <div className="panel__head">
        <h3>{decision.name || t("manager.noName")}</h3>
        <span className="soft small">{t("manager.asked", { time: f.moment(decision.asked_at) })}</span>
      </div>
      <p className="soft">{t("manager.recommended")}</p>
      <DutyWords id="manager-advice" duty={decision.advice} />
      {changing ? (
        <Change decision={decision} busy={decide.pending} onCancel={() => setChanging(false)} onDecide={(form) => decide.run(decision.task, form)} />
      ) : (
        <div className="row row--end">
          <Button id="manager-decide-change" onPress={() => setChanging(true)}>{t("manager.change")}</Button>
          <Button id="manager-decide-accept" look="primary" icon="check" busy={decide.pending} onPress={() => decide.run(decision.task, decision.advice)}>
            {t("manager.accept")}
          </Button>
        </div>
      )}
      {decide.failure && <Trouble error={decide.failure} />}
    </article>
  );
}

function Change(props: { decision: DecisionView; busy: boolean; onCancel: () => void; onDecide: (form: DecisionView["advice"]) => void }) {
  const t = useStaffWords();
  const [draft, setDraft] = useState<DutyDraft>(() => dutyDraft(props.decision.advice, Date.now()));
  const [asked, setAsked] = useState(false);
  const judged = dutyForm(draft);
  const give = () => {
    setAsked(true);
    if ("form" in judged) props.onDecide(judged.form);
  };
  return (
    <div className="stack">
      <DutyFields id="manager" value={draft} onChange={setDraft} />
      {asked && "missing" in judged && <p className="field__error" role="alert" data-testid="manager-missing">{t(`duty.missing.${judged.missing}`)}</p>}
      <div className="row row--end">
        <Button id="manager-decide-cancel" onPress={props.onCancel}>{t("action.cancel")}</Button>
        <Button id="manager-decide-confirm" look="primary" icon="check" busy={props.busy} onPress={give}>{t("manager.confirm")}</Button>
      </div>
    </div>
  );
}

/** A decision that was made, and the recommendation where it differs. */
export function Decided(props: { decision: DecisionView }) {
  const t = useStaffWords();
  const { decision } = props;
  if (!decision.decision) return null;
  const same = JSON.stringify(decision.decision) === JSON.stringify(decision.advice);
  return (
    <article className="card" data-testid="manager-decided" data-task={decision.task}>
      <h3>{decision.name || t("manager.noName")}</h3>
      <DutyWords id="manager-decided-duty" duty={decision.decision} />
      {same ? <p className="soft">{t("manager.asRecommended")}</p> : (
        <>
          <p className="soft">{t("manager.recommended")}</p>
          <DutyWords id="manager-advice" duty={decision.advice} />
        </>
      )}
    </article>
  );
}
