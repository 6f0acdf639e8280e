import { useEffect } from "react";
import { Loaded } from "../../../base/components/Loaded";
import type { ChartView } from "../../../ipc/bindings";
import { useChart, useQueueItem } from "../queries";
import { useStaffWords } from "../words";
import { Panel } from "../Panel";
import { Advice } from "../work/Advice";
import { Close } from "../work/Close";
import { FollowUp } from "../work/FollowUp";
import { Imaging } from "../work/Imaging";
import { Note } from "../work/Note";
import { Checks } from "./Checks";
import { Claim } from "./Claim";
import { History } from "./History";
import { Identify } from "./Identify";
import { Known } from "./Known";
import { Person } from "./Person";
import { Report } from "./Report";

/** One person's chart, and the work on it side by side: what was said stays in view while one writes. */
export function Case(props: { task: string; onClosed: () => void }) {
  const chart = useChart(props.task);
  const t = useStaffWords();
  return (
    <>
      {!chart.data && <h2 id="case-title" className="hidden-visually">{t("case.title")}</h2>}
      <Loaded query={chart}>{(view) => <CaseOf chart={view} task={props.task} onClosed={props.onClosed} />}</Loaded>
    </>
  );
}

function CaseOf(props: { chart: ChartView; task: string; onClosed: () => void }) {
  const t = useStaffWords();
  // Another person was opened: screen readers hear the name, and a narrow window shows the chart.
  useEffect(() => document.getElementById("case-title")?.focus(), []);
  const { chart, task } = props;
  const item = useQueueItem(task);
  const known = chart.patient !== null;
  // Someone else has it: their note, their orders. What is mine, or no longer in the queue, can be worked on.
  const others = item !== undefined && !item.mine;
  return (
    <>
      <Person chart={chart}><Claim task={task} item={item} /></Person>
      <div className="case">
        <Facts task={task} chart={chart} />
        <div className="case__work">
          {known ? <Note task={task} note={chart.note} locked={others} /> : <p className="soft" data-testid="work-nobody">{t("identify.first")}</p>}
          {!others && known && (
            <>
              <Advice task={task} name={chart.name} advice={chart.advice} />
              <Imaging task={task} chart={chart} />
              <FollowUp task={task} booked={chart.follow_up} />
            </>
          )}
          {!others && <Close task={task} chart={chart} onClosed={props.onClosed} />}
        </div>
      </div>
    </>
  );
}

/** What is known of the person and of what happened. */
export function Facts(props: { task: string; chart: ChartView }) {
  const t = useStaffWords();
  const { task, chart } = props;
  return (
    <div className="case__facts">
      {chart.patient === null && chart.report && <Identify task={task} report={chart.report} />}
      {chart.report ? <Report report={chart.report} /> : <p className="soft" data-testid="no-report">{t("report.none")}</p>}
      <Checks checks={chart.checks} />
      <Panel id="medication" title={t("chart.medication")} flat><Known id="medication" list={chart.medication} /></Panel>
      <History lines={chart.history} />
    </div>
  );
}
