import { useState } from "react";
import { State } from "../../../base/components/Banner";
import { Button } from "../../../base/components/Button";
import { Trouble } from "../../../base/components/Loaded";
import { PhoneLink } from "../../../base/components/PhoneLink";
import { useFormats } from "../../../base/i18n/format";
import type { ChartView } from "../../../ipc/bindings";
import { commands } from "../../../ipc/transport";
import { useChartCommand } from "../queries";
import { useStaffWords } from "../words";

/** One press: it is recorded, and what to read out to 911 stands in large letters. The words never wait for Rust. */
export function Send911(props: { task: string; chart: ChartView }) {
  const t = useStaffWords();
  const f = useFormats();
  const { task, chart } = props;
  const [open, setOpen] = useState(false);
  const send = useChartCommand(task, commands.send911);
  const press = () => {
    setOpen(true);
    send.run(task);
  };
  if (!open) {
    return (
      <>
        <Button id="send-911" look="danger" icon="phone" wide onPress={press}>{t("sos.send")}</Button>
        {typeof chart.sent_911_at === "number" && (
          <State id="send-911-sent" tone="ok" icon="check">{t("sos.sentAt", { time: f.moment(chart.sent_911_at) })}</State>
        )}
      </>
    );
  }
  const place = chart.intake?.place || chart.report?.place_text;
  const position = chart.intake?.position ?? chart.report?.position ?? null;
  const callback = chart.intake?.callback || chart.phone;
  return (
    <section className="sos-card stack" aria-labelledby="sos-title" data-testid="send-911-card">
      <h3 id="sos-title">{t("sos.title")}</h3>
      <PhoneLink id="send-911-call" number="911" look="danger-solid" wide>{t("emergency.call")}</PhoneLink>
      <p>{t("sos.transfer")}</p>
      <dl className="sos-card__read">
        <div><dt>{t("sos.who")}</dt><dd>{chart.name || t("case.noName")}</dd></div>
        <div><dt>{t("sos.place")}</dt><dd data-testid="send-911-place">{place || t("case.unknown")}</dd></div>
        <div><dt>{t("report.position")}</dt><dd data-testid="send-911-position">{position ? f.position(position) : t("case.unknown")}</dd></div>
        <div><dt>{t("sos.number")}</dt><dd>{callback || t("case.unknown")}</dd></div>
      </dl>
      {send.failure ? <Trouble error={send.failure} onAgain={() => send.run(task)} /> : (
        <State id="send-911-state" tone={send.pending ? "soft" : "ok"} icon={send.pending ? "sync" : "check"}>
          {t(send.pending ? "sos.recording" : "sos.recorded")}
        </State>
      )}
      <div className="row row--end"><Button id="send-911-close" onPress={() => setOpen(false)}>{t("action.close")}</Button></div>
    </section>
  );
}
