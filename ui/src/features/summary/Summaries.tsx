import { useQuery } from "@tanstack/react-query";
import { AsOf } from "../../base/components/AsOf";
import { LinkButton } from "../../base/components/Button";
import { Facts, Points } from "../../base/components/Field";
import { Empty, Loaded } from "../../base/components/Loaded";
import { PhoneLink } from "../../base/components/PhoneLink";
import { Screen } from "../../base/components/Screen";
import { useCodes } from "../../base/i18n/codes";
import { useFormats } from "../../base/i18n/format";
import { answerOf } from "../../base/query";
import type { AppointmentView, DutyView, ImagingView, SummaryView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";
import { useWords } from "../words";

/** What a visit left behind, read from this phone: no signal is needed. */
export function Summaries() {
  const t = useWords();
  const summaries = useQuery({ queryKey: ["summaries"], queryFn: () => answerOf(commands.summaries()) });
  return (
    <Screen id="summaries" title={t("summary.title")} sub={<AsOf />}>
      <Loaded
        query={summaries}
        isEmpty={(list) => list.length === 0}
        empty={<Empty id="summaries-empty"><p>{t("summary.empty")}</p></Empty>}
      >
        {(list) => list.map((summary, index) => <Summary key={index} summary={summary} index={index} />)}
      </Loaded>
      <div className="dock"><LinkButton id="back" href="#/" icon="back">{t("action.back")}</LinkButton></div>
    </Screen>
  );
}

function Summary(props: { summary: SummaryView; index: number }) {
  const t = useWords();
  const f = useFormats();
  const { summary } = props;
  return (
    <article className="stack" data-testid={`summary-${props.index}`}>
      <div>
        <h2>{summary.visit_at === null ? t("visit.title") : t("summary.visitAt", { time: f.stamp(summary.visit_at) })}</h2>
        {summary.clinician && <p>{t("summary.with", { name: summary.clinician })}</p>}
        {summary.report_number && <p className="soft">{t("summary.report", { number: summary.report_number })}</p>}
      </div>
      {summary.advice && <Duty id="summary-advice" title={t("summary.advice")} duty={summary.advice} />}
      {summary.decision ? (
        <Duty id="summary-decision" title={t("summary.decision")} duty={summary.decision} />
      ) : (
        summary.advice && <p className="soft" data-testid="summary-undecided">{t("summary.undecided")}</p>
      )}
      {summary.follow_up && <FollowUp followUp={summary.follow_up} />}
      {summary.imaging && <Imaging imaging={summary.imaging} />}
      {summary.note && (
        <section className="card" data-testid="summary-note">
          <h3>{t("summary.note")}</h3>
          <p className="prose">{summary.note}</p>
        </section>
      )}
    </article>
  );
}

function Duty(props: { id: string; title: string; duty: DutyView }) {
  const t = useWords();
  const code = useCodes();
  const { duty } = props;
  return (
    <section className="card card--line" data-testid={props.id}>
      <h3>{props.title}</h3>
      <p className="read-out">{t(`duty.${duty.status}`)}</p>
      {duty.limits.length > 0 && <Points items={duty.limits.map((limit) => t(`limit.${limit}`))} />}
      <Facts items={[{ key: "dates", name: t("summary.dates"), value: code.dutyDates(duty) }]} />
    </section>
  );
}

function FollowUp(props: { followUp: AppointmentView }) {
  const t = useWords();
  const f = useFormats();
  const { followUp } = props;
  return (
    <section className="card card--line" data-testid="summary-follow-up">
      <h3>{t("summary.followUp")}</h3>
      <p className="read-out">{t("summary.followUpAt", { time: f.stamp(followUp.start), name: followUp.with })}</p>
      <p>{t(followUp.by_video ? "summary.byVideo" : "summary.inPerson")}. {t("summary.minutes", { count: followUp.minutes })}</p>
    </section>
  );
}

function Imaging(props: { imaging: ImagingView }) {
  const t = useWords();
  const f = useFormats();
  const { imaging } = props;
  return (
    <section className="card card--line" data-testid="summary-imaging">
      <h3>{t("summary.imaging")}</h3>
      <p className="strong">{imaging.site}</p>
      {imaging.address && <p>{imaging.address}</p>}
      {imaging.distance_km !== null && <p className="soft">{t("summary.distance", { distance: f.distance(imaging.distance_km) })}</p>}
      {imaging.phone && <PhoneLink id="imaging-phone" number={imaging.phone} />}
    </section>
  );
}
