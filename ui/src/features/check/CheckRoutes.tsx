import { useEffect, useRef, useState } from "react";
import { Button, LinkButton } from "../../base/components/Button";
import { Field } from "../../base/components/Field";
import { Skeleton, Trouble } from "../../base/components/Loaded";
import { Screen } from "../../base/components/Screen";
import { Tile } from "../../base/components/Tile";
import type { AppView } from "../../ipc/bindings";
import { useWords } from "../words";
import { Question } from "./Question";
import { useCheck, useComplaints, useStartCheck } from "./queries";
import { Result } from "./Result";

/** The symptom check: `#/check` starts, `#/check/of/ID` starts for a report, `#/check/now` goes on. */
export function CheckRoutes(props: { app: AppView; place: string | undefined; report: string | undefined }) {
  const check = useCheck();
  if (props.place === "of" && props.report) return <StartOf report={props.report} />;
  if (props.place !== "now" || !check.data) return <Start />;
  return check.data.outcome ? (
    <Result app={props.app} check={check.data} outcome={check.data.outcome} />
  ) : check.data.question ? (
    <Question key={check.data.question.id} check={check.data} question={check.data.question} />
  ) : (
    <Start />
  );
}

/** Starts at once: the report already says what happened. */
function StartOf(props: { report: string }) {
  const t = useWords();
  const start = useStartCheck();
  const started = useRef(false);
  const { run } = start;
  useEffect(() => {
    if (started.current) return;
    started.current = true;
    run(props.report, null);
  });
  return (
    <Screen id="check-start" title={t("home.check")}>
      {start.failure ? <Trouble error={start.failure} onAgain={() => run(props.report, null)} /> : <Skeleton />}
    </Screen>
  );
}

function Start() {
  const t = useWords();
  const start = useStartCheck();
  const [text, setText] = useState("");
  const complaints = useComplaints(text.trim());
  return (
    <Screen id="check-start" title={t("check.startTitle")} sub={t("check.startSub")}>
      {start.failure && <Trouble error={start.failure} />}
      <Field id="complaint-search" type="search" label={t("check.search")} value={text} onChange={setText} />
      <div className="tiles tiles--list" data-testid="complaints">
        {complaints.data?.map((option) => (
          <Tile key={option.code} id={`complaint-${option.code}`} onPress={() => start.run(null, option.code)}>
            {option.text}
          </Tile>
        ))}
      </div>
      {complaints.data?.length === 0 && text.trim() !== "" && <p role="status">{t("check.searchNone")}</p>}
      <div className="dock">
        <LinkButton id="back" href="#/" icon="back">{t("action.back")}</LinkButton>
        <Button id="check-start" look="primary" busy={start.pending} onPress={() => start.run(null, null)}>{t("check.start")}</Button>
      </div>
    </Screen>
  );
}
