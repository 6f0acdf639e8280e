import { useEffect } from "react";
import { Banner } from "../../base/components/Banner";
import { Loaded } from "../../base/components/Loaded";
import type { ChartView } from "../../ipc/bindings";
import { Checks } from "../staff/chart/Checks";
import { Claim } from "../staff/chart/Claim";
import { History } from "../staff/chart/History";
import { Identify } from "../staff/chart/Identify";
import { Known } from "../staff/chart/Known";
import { Person } from "../staff/chart/Person";
import { Report } from "../staff/chart/Report";
import { Panel } from "../staff/Panel";
import { useChart, useQueueItem } from "../staff/queries";
import { useStaffWords } from "../staff/words";

/** One person's chart, to read; and where the work on it is written. */
export function DeskCase(props: { task: string }) {
  const t = useStaffWords();
  const chart = useChart(props.task);
  return (
    <>
      {!chart.data && <h2 id="case-title" className="hidden-visually">{t("case.title")}</h2>}
      <Loaded query={chart}>{(view) => <CaseOf chart={view} task={props.task} />}</Loaded>
    </>
  );
}

function CaseOf(props: { chart: ChartView; task: string }) {
  const t = useStaffWords();
  useEffect(() => document.getElementById("case-title")?.focus(), []);
  const { chart, task } = props;
  const item = useQueueItem(task);
  const { text, signed_at, addenda } = chart.note;
  return (
    <>
      <Person chart={chart}><Claim task={task} item={item} /></Person>
      <div className="case">
        <div className="case__facts">
          {chart.patient === null && chart.report && <Identify task={task} report={chart.report} />}
          {chart.report ? <Report report={chart.report} /> : <p className="soft" data-testid="no-report">{t("report.none")}</p>}
          <Checks checks={chart.checks} />
          <Panel id="medication" title={t("chart.medication")} flat><Known id="medication" list={chart.medication} /></Panel>
          <History lines={chart.history} />
        </div>
        <div className="case__work">
          <Banner id="page-not-here" icon="pencil">{t("page.notHere")}</Banner>
          {text !== "" && (
            <Panel id="page-note" title={t("note.title")}>
              <p className="soft small">{t(signed_at === null ? "page.noteDraft" : "page.noteSigned")}</p>
              <p className="prose">{text}</p>
              {addenda.map((line) => <p key={line.at} className="prose">{line.text}</p>)}
            </Panel>
          )}
        </div>
      </div>
    </>
  );
}
