import { useEffect } from "react";
import { Banner } from "../../base/components/Banner";
import { Loaded } from "../../base/components/Loaded";
import type { ChartView } from "../../ipc/bindings";
import { Facts } from "../staff/chart/Case";
import { Claim } from "../staff/chart/Claim";
import { Person } from "../staff/chart/Person";
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
        <Facts task={task} chart={chart} />
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
