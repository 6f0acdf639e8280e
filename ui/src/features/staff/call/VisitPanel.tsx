import { Loaded } from "../../../base/components/Loaded";
import type { VisitView } from "../../../ipc/bindings";
import { useCall, useChart, useQueueItem } from "../queries";
import { useStaffWords } from "../words";
import { Call } from "./Call";
import { Idle } from "./Idle";
import { Intake } from "./Intake";
import { Send911 } from "./Send911";
import { Texts } from "./Texts";

/** The visit: the call, and, where this desk writes, its opening questions and 911. A call with one person stays in view on another's chart. */
export function VisitPanel(props: { task: string | null; helpPhone: string; writes?: boolean }) {
  const t = useStaffWords();
  const call = useCall();
  return (
    <>
      <div className="panel__head"><h2 id="visit-title">{t("visit.title")}</h2></div>
      <Loaded query={call}>
        {(visit) => (
          <>
            {onGoing(visit) || (visit.state === "ended" && visit.task === props.task) ? (
              <Call visit={visit} task={props.task} helpPhone={props.helpPhone} />
            ) : null}
            {props.task ? <Opening key={props.task} task={props.task} visit={visit} writes={props.writes ?? true} /> : !onGoing(visit) && <p className="soft" data-testid="visit-none">{t("call.choose")}</p>}
            {talking(visit) && <Texts visit={visit} />}
          </>
        )}
      </Loaded>
    </>
  );
}

/** A call is under way or being set up. */
export const onGoing = (visit: VisitView): boolean => visit.state !== "none" && visit.state !== "ended";

const talking = (visit: VisitView): boolean => ["connecting", "in_call", "reconnecting"].includes(visit.state);

function Opening(props: { task: string; visit: VisitView; writes: boolean }) {
  const t = useStaffWords();
  const { task, visit, writes } = props;
  const chart = useChart(task);
  const item = useQueueItem(task);
  if (!chart.data) return null;
  // There is nobody to ring as long as nobody has said whose report it is; 911 needs no name.
  if (chart.data.patient === null) {
    return (
      <>
        <p className="soft" data-testid="visit-nobody">{t("call.nobody")}</p>
        {writes && <Send911 task={task} chart={chart.data} />}
      </>
    );
  }
  const others = item !== undefined && !item.mine && item.claimed_by !== null;
  const mine = item === undefined || item.mine;
  return (
    <>
      {!onGoing(visit) && <Idle task={task} chart={chart.data} item={item} again={visit.state === "ended" && visit.task === task} others={others} />}
      {!writes && !onGoing(visit) && !others && <p className="soft small">{t("page.devices")}</p>}
      {mine && writes && (
        <>
          <Send911 task={task} chart={chart.data} />
          <Intake task={task} chart={chart.data} />
        </>
      )}
    </>
  );
}
