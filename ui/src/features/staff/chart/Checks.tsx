import { Points } from "../../../base/components/Field";
import { useFormats } from "../../../base/i18n/format";
import type { ChartCheckView } from "../../../ipc/bindings";
import { useStaffCodes } from "../codes";
import { Panel } from "../Panel";
import { useStaffWords } from "../words";
import { Basis } from "./Basis";
import { Banner } from "../../../base/components/Banner";

/** Symptom checks, newest first: the result, why, and every question with its answer. */
export function Checks(props: { checks: ChartCheckView[] }) {
  const t = useStaffWords();
  if (props.checks.length === 0) {
    return <Panel id="checks" title={t("check.title")}><p className="soft" data-testid="no-check">{t("queue.notChecked")}</p></Panel>;
  }
  return (
    <Panel id="checks" title={t("check.title")}>
      {props.checks.map((entry, index) => <Check key={entry.check.id} entry={entry} open={index === 0} />)}
    </Panel>
  );
}

function Check(props: { entry: ChartCheckView; open: boolean }) {
  const t = useStaffWords();
  const f = useFormats();
  const code = useStaffCodes();
  const { check, answers, pack, signed, recalled } = props.entry;
  return (
    <article className="check" data-testid={`check-${check.id}`}>
      <p>
        <strong data-testid="check-result">{code.checkResult(check.urgency)}</strong> <span className="soft">{f.moment(check.at)}</span>
      </p>
      {recalled && <Banner id={`recalled-${check.id}`} tone="warn">{t("check.recalled", { why: recalled })}</Banner>}
      {check.reasons.length > 0 && <Points items={check.reasons} />}
      <details open={props.open}>
        <summary data-testid="check-answers">{t("check.answers", { count: answers.length })}</summary>
        <dl className="answers">
          {answers.map((line, index) => (
            <div key={index}>
              <dt>{line.question}</dt>
              <dd>{line.answer}</dd>
            </div>
          ))}
        </dl>
      </details>
      {check.advice.length > 0 && (
        <details>
          <summary>{t("check.advice")}</summary>
          <Points items={check.advice} />
        </details>
      )}
      <Basis check={check.id} />
      <p className="soft small">{!signed && t("check.unsigned")} {t("check.pack", { pack })}</p>
    </article>
  );
}
