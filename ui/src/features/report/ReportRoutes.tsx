import type { ReactNode } from "react";
import { Loaded, Trouble } from "../../base/components/Loaded";
import { Button, LinkButton } from "../../base/components/Button";
import { Screen } from "../../base/components/Screen";
import type { AppView, DraftView } from "../../ipc/bindings";
import { useWords } from "../words";
import { CheckAndSend } from "./CheckAndSend";
import { useDraft, useStartReport } from "./queries";
import { SafeStep, WhatStep } from "./Steps";
import { WhenStep } from "./WhenStep";
import { WhereStep } from "./WhereStep";

/** The steps of a report, in order. Each keeps its answer at once. */
export function ReportRoutes(props: { app: AppView; step: string | undefined; onNotSafe: () => void }) {
  const draft = useDraft();
  return (
    <Loaded query={draft}>
      {(view) => (view ? <Step draft={view} {...props} /> : <NoDraft />)}
    </Loaded>
  );
}

function Step(props: { app: AppView; draft: DraftView; step: string | undefined; onNotSafe: () => void }): ReactNode {
  const { draft } = props;
  switch (props.step) {
    case "what":
      return <WhatStep draft={draft} />;
    case "where":
      return <WhereStep draft={draft} />;
    case "when":
      return <WhenStep draft={draft} />;
    case "check":
      return <CheckAndSend draft={draft} />;
    default:
      return <SafeStep draft={draft} onNotSafe={props.onNotSafe} />;
  }
}

function NoDraft() {
  const t = useWords();
  const start = useStartReport();
  return (
    <Screen id="no-draft" title={t("report.noDraft")}>
      {start.failure && <Trouble error={start.failure} />}
      <Button id="report-start" look="primary" busy={start.pending} onPress={() => start.run(null)}>{t("report.start")}</Button>
      <LinkButton id="to-home" href="#/" icon="home">{t("action.back")}</LinkButton>
    </Screen>
  );
}
