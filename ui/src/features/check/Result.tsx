import { Banner, State } from "../../base/components/Banner";
import { Button, LinkButton } from "../../base/components/Button";
import { Points } from "../../base/components/Field";
import { PhoneLink } from "../../base/components/PhoneLink";
import { Screen } from "../../base/components/Screen";
import { useCodes } from "../../base/i18n/codes";
import { useFormats } from "../../base/i18n/format";
import type { AppView, OutcomeView, TriageView } from "../../ipc/bindings";
import { useWords } from "../words";
import { useBack, useStartCheck } from "./queries";

/** What to do, how soon, why, and when to get help sooner. Never the name of an illness. */
export function Result(props: { app: AppView; check: TriageView; outcome: OutcomeView }) {
  const t = useWords();
  const f = useFormats();
  const code = useCodes();
  const { outcome, check } = props;
  const back = useBack();
  const again = useStartCheck();
  const emergency = outcome.level === "emergency";
  return (
    <Screen
      id="result"
      title={<span data-testid="result-action">{outcome.action}</span>}
      above={<p className="soft">{t("check.resultTitle")}</p>}
    >
      <section className={`card result${emergency ? " result--emergency" : ""}`} data-testid="result-card">
        <State id="result-urgency" tone={emergency ? "danger" : "plain"} icon={emergency ? "alert" : "clock"}>
          {code.urgency(outcome.urgency)}
        </State>
        <p className="result__limit" data-testid="result-limit">{code.timeLimit(outcome.urgency)}</p>
        <p>{code.venue(outcome.venue)}</p>
        {outcome.call_911 && (
          <div className="sos__big"><PhoneLink id="result-911" number="911" look="danger-solid" wide>{t("emergency.button")}</PhoneLink></div>
        )}
        <PhoneLink id="result-phone" number={props.app.help_phone} wide>{t("check.callNurse")}</PhoneLink>
      </section>
      <Section id="advice" title={t("check.advice")} items={outcome.advice} />
      <Section id="reasons" title={t("check.because")} items={outcome.reasons} />
      <Section id="safety-net" title={t("check.safetyNet")} items={outcome.safety_net} />
      {outcome.recheck_minutes !== null && (
        <p className="strong" data-testid="recheck">{t("check.recheck", { time: f.minutes(outcome.recheck_minutes) })}</p>
      )}
      <Banner id="pack-status" tone={check.pack_status === "recalled" ? "warn" : "plain"}>{t(packWords(check.pack_status))}</Banner>
      <Button id="check-again" icon="sync" busy={again.pending} onPress={() => again.run(null, null)}>{t("check.again")}</Button>
      <div className="dock">
        <Button id="back" icon="back" onPress={() => back.run(check.id)}>{t("action.back")}</Button>
        <LinkButton id="result-home" href="#/" icon="home" look="primary">{t("done.home")}</LinkButton>
      </div>
    </Screen>
  );
}

function packWords(status: string) {
  if (status === "recalled") return "check.recalled";
  return status === "signed" ? "check.signed" : "check.draft";
}

function Section(props: { id: string; title: string; items: string[] }) {
  if (props.items.length === 0) return null;
  return (
    <section className="stack" data-testid={`result-${props.id}`}>
      <h2>{props.title}</h2>
      <Points items={props.items} />
    </section>
  );
}
