import { Loaded } from "../../base/components/Loaded";
import type { VisitView } from "../../ipc/bindings";
import { Call } from "../staff/call/Call";
import { Idle } from "../staff/call/Idle";
import { Texts } from "../staff/call/Texts";
import { onGoing, talking } from "../staff/call/VisitPanel";
import { useCall, useChart, useQueueItem } from "../staff/queries";
import { useStaffWords } from "../staff/words";

/** The call, without the questions that open a visit: those are written in the app. */
export function DeskVisit(props: { task: string | null; helpPhone: string }) {
  const t = useStaffWords();
  const call = useCall();
  return (
    <>
      <div className="panel__head"><h2 id="visit-title">{t("visit.title")}</h2></div>
      <Loaded query={call}>
        {(visit) => (
          <>
            {(onGoing(visit) || (visit.state === "ended" && visit.task === props.task)) && (
              <Call visit={visit} task={props.task} helpPhone={props.helpPhone} />
            )}
            {props.task ? <Begin key={props.task} task={props.task} visit={visit} /> : !onGoing(visit) && <p className="soft" data-testid="visit-none">{t("call.choose")}</p>}
            {talking(visit) && <Texts visit={visit} />}
          </>
        )}
      </Loaded>
    </>
  );
}

function Begin(props: { task: string; visit: VisitView }) {
  const t = useStaffWords();
  const { task, visit } = props;
  const chart = useChart(task);
  const item = useQueueItem(task);
  if (!chart.data || onGoing(visit)) return null;
  if (chart.data.patient === null) return <p className="soft" data-testid="visit-nobody">{t("call.nobody")}</p>;
  const others = item !== undefined && !item.mine && item.claimed_by !== null;
  return (
    <>
      <Idle task={task} chart={chart.data} item={item} again={visit.state === "ended" && visit.task === task} others={others} />
      <p className="soft small">{t("page.devices")}</p>
    </>
  );
}
