import { useState } from "react";
import { Skeleton, Trouble } from "../../../base/components/Loaded";
import { Points } from "../../../base/components/Field";
import { failureOf } from "../../../base/query";
import type { BasisView, ChangeView, RuleView, StepView } from "../../../ipc/bindings";
import { useStaffCodes } from "../codes";
import { useBasis } from "../queries";
import { useStaffWords } from "../words";

/** What a result rests on: asked for when it is opened, since the engine searches for it. */
export function Basis(props: { check: string }) {
  const t = useStaffWords();
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary data-testid={`basis-${props.check}`}>{t("check.basis")}</summary>
      {open && <Opened check={props.check} />}
    </details>
  );
}

function Opened(props: { check: string }) {
  const t = useStaffWords();
  const basis = useBasis(props.check);
  if (basis.error) return <Trouble error={failureOf(basis.error)} onAgain={() => void basis.refetch()} />;
  if (basis.data === undefined) return <Skeleton />;
  if (basis.data === null) return <p className="soft" data-testid="basis-none">{t("check.basisNone")}</p>;
  return <Shown basis={basis.data} />;
}

function Shown(props: { basis: BasisView }) {
  const t = useStaffWords();
  const code = useStaffCodes();
  const { rules, possibilities, higher, lower } = props.basis;
  return (
    <div className="basis" data-testid="basis">
      <h4>{t("check.rules")}</h4>
      <ul className="points">{rules.map((rule) => <Rule key={rule.id} rule={rule} />)}</ul>
      {higher && <Change change={higher} title={t("check.higher", { urgency: code.checkResult(higher.urgency) })} />}
      {lower && <Change change={lower} title={t("check.lower", { urgency: code.checkResult(lower.urgency) })} />}
      {possibilities.length > 0 && (
        <>
          <h4>{t("check.possible")}</h4>
          <ol className="points">
            {possibilities.map(({ name, speaks_for, speaks_against }) => (
              <li key={name}>
                <strong>{name}</strong>
                {speaks_for.length > 0 && <p className="small">{t("check.for", { findings: speaks_for.join("; ") })}</p>}
                {speaks_against.length > 0 && <p className="small soft">{t("check.against", { findings: speaks_against.join("; ") })}</p>}
              </li>
            ))}
          </ol>
          <p className="soft small">{t("check.basisNote")}</p>
        </>
      )}
    </div>
  );
}

function Rule(props: { rule: RuleView }) {
  const t = useStaffWords();
  const { id, text, because, source, reviewer } = props.rule;
  const findings = because.map(({ text: finding, present }) => (present ? finding : t("check.notRuledOut", { finding })));
  return (
    <li>
      {text} <span className="soft small">{id}</span>
      {findings.length > 0 && <p className="small">{findings.join("; ")}</p>}
      <p className="small soft">{t("check.ruleOf", { source: source.title, read: source.read, reviewer })}</p>
    </li>
  );
}

function Change(props: { change: ChangeView; title: string }) {
  const t = useStaffWords();
  const step = ({ question, item, to }: StepView) => {
    if (question === "") return t("check.stepTyped");
    const named = item === "" ? question : `${question} ${item}`;
    const how = { present: "check.stepPresent", ruled_out: "check.stepNo", unknown: "check.stepOpen" } as const;
    return t(how[to as keyof typeof how] ?? "check.stepOpen", { item: named });
  };
  return (
    <>
      <h4>{props.title}</h4>
      <Points items={props.change.steps.map(step)} />
    </>
  );
}
