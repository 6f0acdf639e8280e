import { Empty, Loaded } from "../../base/components/Loaded";
import { useFormats } from "../../base/i18n/format";
import type { ManagerView } from "../../ipc/bindings";
import { useManager } from "../staff/queries";
import { useStaffWords } from "../staff/words";
import { Decided, Decision } from "./Decision";
import { Notice } from "./Notice";

/** One page: who is hurt, what is to be decided, what was decided. No clinical word comes here. */
export function ManagerPage() {
  const manager = useManager();
  const t = useStaffWords();
  return (
    <main className="manager" data-testid="manager">
      <h1>{t("manager.title")}</h1>
      <p className="soft">{t("manager.sub")}</p>
      <Loaded query={manager}>{(view) => <Page view={view} />}</Loaded>
    </main>
  );
}

function Page(props: { view: ManagerView }) {
  const t = useStaffWords();
  const f = useFormats();
  const { view } = props;
  const open = view.decisions.filter((decision) => decision.decision === null);
  const made = view.decisions.filter((decision) => decision.decision !== null);
  const fresh = view.notices.filter((notice) => !notice.acknowledged);
  const read = view.notices.filter((notice) => notice.acknowledged);
  return (
    <>
      {view.as_of !== null && <p className="soft small" data-testid="manager-as-of">{t("state.asOf", { time: f.moment(view.as_of) })}</p>}
      <div className="manager__columns">
        <section className="stack" aria-labelledby="notices-title">
          <h2 id="notices-title">{t("manager.notices", { count: fresh.length })}</h2>
          {fresh.length === 0 && <Empty id="manager-no-notices"><p>{t("manager.noNotices")}</p></Empty>}
          {fresh.map((notice, index) => <Notice key={notice.task} notice={notice} number={index} />)}
        </section>
        <section className="stack" aria-labelledby="decisions-title">
          <h2 id="decisions-title">{t("manager.decisions", { count: open.length })}</h2>
          {open.length === 0 && <Empty id="manager-no-decisions"><p>{t("manager.noDecisions")}</p></Empty>}
          {open.map((decision, index) => <Decision key={decision.task} decision={decision} number={index} />)}
        </section>
      </div>
      <section className="stack" aria-labelledby="before-title">
        <h2 id="before-title">{t("manager.before")}</h2>
        {made.length + read.length === 0 && <Empty id="manager-no-history"><p>{t("manager.noHistory")}</p></Empty>}
        <div className="manager__columns">
          <div className="stack">{read.map((notice, index) => <Notice key={notice.task} notice={notice} number={fresh.length + index} />)}</div>
          <div className="stack">{made.map((decision) => <Decided key={decision.task} decision={decision} />)}</div>
        </div>
      </section>
    </>
  );
}
