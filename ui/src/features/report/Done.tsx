import { Button, LinkButton } from "../../base/components/Button";
import { Loaded, Trouble } from "../../base/components/Loaded";
import { PhoneLink } from "../../base/components/PhoneLink";
import { Screen } from "../../base/components/Screen";
import { SendLine, SendTimes } from "../../base/components/SendLine";
import { useCommand } from "../../base/query";
import type { AppView, ReportView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";
import { useWords } from "../words";
import { useReport } from "./queries";

const WAITS: ReadonlySet<ReportView["send"]["state"]> = new Set(["draft", "queued", "sending"]);

/** The report is kept. Where it is on its way, and what to do next. */
export function Done(props: { app: AppView; id: string }) {
  const t = useWords();
  const report = useReport(props.id);
  const sync = useCommand(commands.syncNow, { key: ["app"] });
  const waits = !report.data || WAITS.has(report.data.send.state);
  return (
    <Screen id="done" title={t(waits ? "done.title" : "done.sentTitle")}>
      <Loaded query={report}>
        {({ send, id }) => (
          <>
            <div className="card card--line" aria-live="polite">
              <SendLine id="send-state" send={send} />
              <SendTimes send={send} />
              {send.state === "queued" && !send.sealed && (
                <Button id="done-try" icon="sync" busy={sync.pending} onPress={() => sync.run()}>{t("action.tryNow")}</Button>
              )}
            </div>
            {sync.failure && <Trouble error={sync.failure} />}
            <section className="stack">
              <LinkButton id="done-check" look="primary" icon="stethoscope" href={`#/check/of/${encodeURIComponent(id)}`}>
                {t("done.check")}
              </LinkButton>
              <p className="soft">{t("done.checkWhy")}</p>
            </section>
            {waits && (
              <section className="stack">
                <p className="strong">{t("done.urgent")}</p>
                <PhoneLink id="done-phone" number={props.app.help_phone} />
                <p className="soft">{t("done.sms", { text: t("done.smsText", { name: props.app.name ?? "" }) })}</p>
              </section>
            )}
            <div className="dock">
              {props.app.phase === "open" && (
                <LinkButton id="done-copy" href={`#/reports/${encodeURIComponent(id)}`}>{t("done.copy")}</LinkButton>
              )}
              <LinkButton id="done-home" icon="home" href="#/">{t("done.home")}</LinkButton>
            </div>
          </>
        )}
      </Loaded>
    </Screen>
  );
}
