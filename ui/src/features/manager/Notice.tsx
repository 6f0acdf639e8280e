import { State } from "../../base/components/Banner";
import { Button } from "../../base/components/Button";
import { Trouble } from "../../base/components/Loaded";
import { useFormats } from "../../base/i18n/format";
import { useCommand } from "../../base/query";
import type { NoticeView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";
import { managerKey } from "../staff/queries";
import { useNow, useSpans } from "../staff/time";
import { useStaffWords } from "../staff/words";

/** Someone is hurt: who, when, where, and how long the 24-hour clock still runs. */
export function Notice(props: { notice: NoticeView; number: number }) {
  const t = useStaffWords();
  const f = useFormats();
  const { notice, number } = props;
  const acknowledge = useCommand(commands.acknowledgeNotice, { key: managerKey });
  return (
    <article className="card card--line notice" data-testid={`manager-notice-${number}`} data-task={notice.task}>
      <h3>{t("manager.hurt", { name: notice.name || t("manager.noName") })}</h3>
      <dl className="person__facts">
        <div><dt>{t("report.happened")}</dt><dd>{f.moment(notice.happened_at) || t("case.unknown")}</dd></div>
        <div><dt>{t("report.place")}</dt><dd>{notice.place || t("case.unknown")}</dd></div>
      </dl>
      {acknowledge.failure && <Trouble error={acknowledge.failure} />}
      <div className="row row--ends">
        {notice.acknowledged ? <State tone="ok" icon="check">{t("manager.acknowledged")}</State> : <Due at={notice.due_at} />}
        {!notice.acknowledged && (
          <Button id="manager-acknowledge" label={t("manager.acknowledgeName", { name: notice.name || t("manager.noName") })} look="primary" busy={acknowledge.pending} onPress={() => acknowledge.run(notice.task)}>
            {t("manager.acknowledge")}
          </Button>
        )}
      </div>
    </article>
  );
}

function Due(props: { at: number | null }) {
  const t = useStaffWords();
  const f = useFormats();
  const span = useSpans();
  const now = useNow();
  if (props.at === null) return null;
  const left = props.at - now;
  return left > 0 ? (
    <State id="manager-due" tone="warn" icon="clock">{t("manager.due", { time: span(left), moment: f.moment(props.at) })}</State>
  ) : (
    <State id="manager-due" tone="danger" icon="alert">{t("manager.overdue", { moment: f.moment(props.at) })}</State>
  );
}
