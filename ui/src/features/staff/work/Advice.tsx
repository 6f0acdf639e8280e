import { useEffect, useRef, useState } from "react";
import { State } from "../../../base/components/Banner";
import { Button } from "../../../base/components/Button";
import { Trouble } from "../../../base/components/Loaded";
import { useFormats } from "../../../base/i18n/format";
import type { AdviceView, DutyForm } from "../../../ipc/bindings";
import { commands } from "../../../ipc/transport";
import { focusPanel, Panel } from "../Panel";
import { useChartCommand } from "../queries";
import { useStaffWords } from "../words";
import { DutyFields, dutyDraft, dutyForm, type DutyDraft } from "./DutyFields";
import { DutyWords } from "./DutyPreview";

const PAUSE_MS = 800;

/** Fit for duty: recommended here, decided by a supervisor. */
export function Advice(props: { task: string; name: string; advice: AdviceView | null }) {
  const t = useStaffWords();
  const signed = props.advice !== null && props.advice.signed_at !== null;
  return (
    <Panel id="advice" title={t("advice.title")}>
      {signed && props.advice ? <Signed advice={props.advice} /> : <Open {...props} />}
    </Panel>
  );
}

function Open(props: { task: string; name: string; advice: AdviceView | null }) {
  const t = useStaffWords();
  const { task, name, advice } = props;
  const [draft, setDraft] = useState<DutyDraft>(() => dutyDraft(advice?.duty ?? null, Date.now()));
  const [asked, setAsked] = useState(false);
  const save = useChartCommand(task, commands.adviceSave);
  const sign = useChartCommand(
    task,
    async (form: DutyForm) => {
      const saved = await commands.adviceSave(task, form);
      return saved.status === "error" ? saved : commands.adviceSign(task, form);
    },
    { onDone: () => focusPanel("advice") },
  );
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);

  const judged = dutyForm(draft);
  const change = (next: DutyDraft) => {
    setDraft(next);
    sign.reset();
    clearTimeout(timer.current);
    const ready = dutyForm(next);
    if ("form" in ready) timer.current = setTimeout(() => save.run(task, ready.form), PAUSE_MS);
  };
  const giveSign = () => {
    setAsked(true);
    clearTimeout(timer.current);
    if ("form" in judged) sign.run(judged.form);
  };
  return (
    <>
      <DutyFields id="advice" value={draft} onChange={change} />
      {"form" in judged && (
        <div className="preview">
          <h4>{t("advice.preview")}</h4>
          <DutyWords id="advice-preview" duty={judged.form} name={name} />
        </div>
      )}
      {asked && "missing" in judged && <p className="field__error" role="alert" data-testid="advice-missing">{t(`duty.missing.${judged.missing}`)}</p>}
      {(sign.failure ?? save.failure) && <Trouble error={sign.failure ?? save.failure ?? { code: "internal", reference: "" }} />}
      <div className="row row--end">
        <Button id="advice-sign" look="primary" icon="pencil" busy={sign.pending} onPress={giveSign}>{t("advice.sign")}</Button>
      </div>
    </>
  );
}

function Signed(props: { advice: AdviceView }) {
  const t = useStaffWords();
  const f = useFormats();
  const { advice } = props;
  return (
    <>
      <State id="advice-signed" tone="ok" icon="check">{t("advice.signed", { time: f.moment(advice.signed_at) })}</State>
      <DutyWords id="advice-words" duty={advice.duty} />
      {advice.decision ? (
        <div className="preview">
          <h4>{t("advice.decided")}</h4>
          <DutyWords id="advice-decision" duty={advice.decision} />
        </div>
      ) : (
        <State id="advice-waits" tone="soft" icon="clock">{t("advice.waits")}</State>
      )}
    </>
  );
}
