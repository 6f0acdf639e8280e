import { Banner } from "../../../base/components/Banner";
import { Facts } from "../../../base/components/Field";
import { useFormats } from "../../../base/i18n/format";
import type { ChartReportView } from "../../../ipc/bindings";
import { useStaffCodes } from "../codes";
import { Panel } from "../Panel";
import { useStaffWords } from "../words";
import { Photo, Voice } from "./Attachments";

/** What the carrier reported: body places, when and where, own words, photos, and what came after. */
export function Report(props: { report: ChartReportView }) {
  const t = useStaffWords();
  const f = useFormats();
  const code = useStaffCodes();
  const { report } = props;
  const worse = report.additions.filter((addition) => addition.kind === "worse");
  const others = report.additions.filter((addition) => addition.kind !== "worse");
  const facts = [
    { key: "places", name: t("report.where"), value: f.list(report.places.map(code.place)) },
    { key: "happened", name: t("report.happened"), value: f.moment(report.happened_at) },
    { key: "authored", name: t("report.authored"), value: f.moment(report.authored_at) },
    { key: "received", name: t("report.received"), value: f.moment(report.received_at) || t("report.notReceived") },
    { key: "place", name: t("report.place"), value: report.place_text ?? t("case.unknown") },
    {
      key: "position",
      name: t("report.position"),
      value: report.position ? f.position(report.position) : t("case.unknown"),
    },
    { key: "witness", name: t("report.witness"), value: report.witness },
  ].filter((fact) => fact.value !== null);
  return (
    <Panel id="report" title={t(`what.${report.what}`)} aside={report.number}>
      {report.safe === "not_safe" && <Banner id="report-not-safe" tone="danger">{t("report.notSafe")}</Banner>}
      {worse.map((addition, index) => (
        <Banner key={index} id="report-worse" tone="danger">
          <strong>{code.addition(addition.kind)}</strong> <span className="soft">{f.moment(addition.at)}</span>
          {addition.text && <p>{addition.text}</p>}
        </Banner>
      ))}
      {report.true_time !== null && (
        <Banner id="report-clock" tone="warn" icon="clock">{t("report.trueTime", { time: f.stamp(report.true_time) })}</Banner>
      )}
      {report.note && <blockquote className="quote" data-testid="report-words">{report.note}</blockquote>}
      {(report.photos.length > 0 || report.voice.length > 0) && (
        <div className="photos">
          {report.photos.map((id, index) => <Photo key={id} id={id} number={index + 1} />)}
          {report.voice.map((id, index) => <Voice key={id} id={id} number={index + 1} />)}
        </div>
      )}
      <Facts items={facts} />
      {others.length > 0 && (
        <ol className="additions" data-testid="report-additions">
          {others.map((addition, index) => (
            <li key={index} data-kind={addition.kind}>
              <strong>{code.addition(addition.kind)}</strong> <span className="soft">{f.moment(addition.at)}</span>
              {addition.text && <p>{addition.text}</p>}
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}
