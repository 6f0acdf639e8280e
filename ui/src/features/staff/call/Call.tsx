import { Banner } from "../../../base/components/Banner";
import { Button } from "../../../base/components/Button";
import { PhoneLink } from "../../../base/components/PhoneLink";
import { Trouble } from "../../../base/components/Loaded";
import { go } from "../../../base/router";
import { useCommand } from "../../../base/query";
import type { VisitView } from "../../../ipc/bindings";
import { commands } from "../../../ipc/transport";
import { useNow, useSpans } from "../time";
import { useStaffWords } from "../words";
import { InCall } from "./InCall";

const key = ["visit"];

/** A call in each of its states. */
export function Call(props: { visit: VisitView; task: string | null; helpPhone: string }) {
  const t = useStaffWords();
  const { visit } = props;
  const name = visit.peer ?? t("case.noName");
  const elsewhere = visit.task !== null && visit.task !== props.task && visit.state !== "ended";
  return (
    <div className="call stack" data-testid="call" data-state={visit.state}>
      {elsewhere && (
        <Banner id="call-elsewhere" tone="warn" live>
          <span className="row">
            {t("call.elsewhere", { name })}
            <Button id="call-chart" onPress={() => visit.task && go("case", visit.task)}>{t("call.openChart")}</Button>
          </span>
        </Banner>
      )}
      <State visit={visit} name={name} helpPhone={props.helpPhone} />
    </div>
  );
}

function State(props: { visit: VisitView; name: string; helpPhone: string }) {
  const t = useStaffWords();
  const { visit, name } = props;
  const phone = visit.phone ?? null;
  const stop = useCommand(commands.visitDecline, { key });
  const accept = useCommand(commands.visitAccept, { key });
  const hangUp = (
    <Button id="visit-cancel" look="danger" icon="close" wide busy={stop.pending} onPress={() => stop.run()}>{t("call.giveUp")}</Button>
  );
  switch (visit.state) {
    case "none":
      return null;
    case "not_connected":
      return (
        <>
          <Banner id="call-not-connected" tone="warn" icon="nosignal" live>
            <p className="strong">{t("call.notConnected", { name })}</p>
            <p>{t("call.callBackMade")}</p>
          </Banner>
          {phone && <PhoneLink id="call-phone" number={phone} look="primary" wide>{t("call.byPhone", { number: phone })}</PhoneLink>}
          {hangUp}
        </>
      );
    case "ringing_out":
      return (
        <>
          <p className="call__now" role="status" data-testid="call-ringing">
            <strong>{t("visit.calling", { name })}</strong>
            <Elapsed since={visit.since} />
          </p>
          <p className="soft">{t("call.ringingSub")}</p>
          {hangUp}
          {stop.failure && <Trouble error={stop.failure} />}
        </>
      );
    case "ringing_in":
      return (
        <>
          <p className="call__now" role="alert"><strong>{t("visit.ringing", { name })}</strong></p>
          <Button id="visit-accept" look="primary" icon="video" wide busy={accept.pending} onPress={() => accept.run()}>{t("visit.answer")}</Button>
          <Button id="visit-decline" wide busy={stop.pending} onPress={() => stop.run()}>{t("visit.decline")}</Button>
        </>
      );
    case "connecting":
    case "in_call":
    case "reconnecting":
      return <InCall visit={visit} name={name} phone={phone} />;
    case "ended":
      return (
        <Banner id="call-ended" tone={visit.ended === "left" ? "plain" : "warn"} live>
          <p className="strong">{t("visit.ended")}</p>
          {visit.ended && <p data-testid="call-ended-why" data-why={visit.ended}>{t(`call.ended.${visit.ended}`)}</p>}
          {visit.peer_call_me && <p className="strong" data-testid="call-me-wanted">{t("call.wantsCall", { name })}</p>}
          <p>{t("call.stays")}</p>
        </Banner>
      );
  }
}

function Elapsed(props: { since: number | null }) {
  const span = useSpans();
  const now = useNow(1000);
  if (props.since === null || now - props.since < 60_000) return null;
  return <span className="soft"> {span(now - props.since)}</span>;
}
