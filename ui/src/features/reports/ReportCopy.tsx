import { LinkButton } from "../../base/components/Button";
import { Facts, Points } from "../../base/components/Field";
import { Loaded } from "../../base/components/Loaded";
import { Media } from "../../base/components/Media";
import { PhoneLink } from "../../base/components/PhoneLink";
import { Screen } from "../../base/components/Screen";
import { SendLine, SendTimes } from "../../base/components/SendLine";
import { useCodes } from "../../base/i18n/codes";
import { useFormats } from "../../base/i18n/format";
import type { AppView, ReportView } from "../../ipc/bindings";
import { SendNow } from "../outbox/SendNow";
import { useReport } from "../report/queries";
import { useWords } from "../words";
import { AddToReport } from "./AddToReport";

/** The carrier's own time-stamped copy: what was said, who read it, and what was added. */
export function ReportCopy(props: { app: AppView; id: string }) {
  const t = useWords();
  const report = useReport(props.id);
  return (
    <Screen id="copy" title={t("copy.title")}>
      <Loaded query={report}>
        {(view) => (
          <>
            <div className="card card--line" aria-live="polite">
              <SendLine id="send-state" send={view.send} />
              <SendTimes send={view.send} />
              <Needed app={props.app} report={view} />
            </div>
            <Said report={view} />
            <Attached report={view} />
            <Later report={view} />
            <Checks report={view} />
            <Readers report={view} />
            <AddToReport report={view} />
            <p className="soft small">{t("copy.notClaim")}</p>
          </>
        )}
      </Loaded>
      <div className="dock"><LinkButton id="back" href="#/reports" icon="back">{t("action.back")}</LinkButton></div>
    </Screen>
  );
}

const ITEMS = ["safe", "what", "where"] as const;

/** What the person has to do, where the report stands still. */
function Needed(props: { app: AppView; report: ReportView }) {
  const t = useWords();
  const { send } = props.report;
  if (send.state === "attention") {
    // The server names the question of the form, or an element that means nothing to a person.
    const item = ITEMS.find((known) => known === send.question);
    return (
      <>
        <p className="strong" data-testid="needed">
          {item ? t("copy.question", { question: t(`report.missing.${item}`) }) : t("copy.refused")}
        </p>
        <PhoneLink id="needed-phone" number={props.app.help_phone} />
      </>
    );
  }
  if (send.state === "conflict") {
    return (
      <>
        <p className="strong" data-testid="needed">{t("copy.conflict")}</p>
        <LinkButton id="copy-versions" look="primary" icon="copy" href={`#/versions/${encodeURIComponent(props.report.id)}`}>
          {t("send.compare")}
        </LinkButton>
        <PhoneLink id="conflict-phone" number={props.app.help_phone} />
      </>
    );
  }
  return null;
}

function Said(props: { report: ReportView }) {
  const t = useWords();
  const f = useFormats();
  const code = useCodes();
  const { report } = props;
  const items = [
    report.colleague && { key: "for", name: t("copy.for"), value: report.colleague },
    { key: "what", name: t("report.item.what"), value: t(`what.${report.what}`) },
    { key: "where", name: t("report.item.where"), value: code.places(report.places) },
    { key: "safe", name: t("report.item.safe"), value: t(`safe.${report.safe}`) },
    { key: "when", name: t("report.item.when"), value: f.stamp(report.happened_at) },
    numberOf(report) && { key: "number", name: t("copy.number"), value: numberOf(report) },
    { key: "made", name: t("copy.made"), value: f.stamp(report.authored_at) },
    report.true_time !== null && { key: "true", name: t("copy.trueTime"), value: f.stamp(report.true_time) },
    report.place_text && { key: "place", name: t("report.item.place"), value: report.place_text },
    report.position && { key: "position", name: t("emergency.coordinates"), value: f.position(report.position) },
    report.witness && { key: "witness", name: t("copy.witness"), value: report.witness },
    report.note && { key: "note", name: t("copy.note"), value: report.note },
  ].filter((item) => item !== false && item !== null && item !== "");
  return <section className="card"><Facts items={items} /></section>;
}

/** The server's number, once it has the report. */
const numberOf = ({ send }: ReportView) => (send.state === "sent" || send.state === "seen" ? send.number : null);

function Attached(props: { report: ReportView }) {
  const t = useWords();
  const { attachments } = props.report;
  if (attachments.length === 0) return null;
  const named = attachments.map((item, index) => ({
    ...item,
    name: t(item.content_type.startsWith("image/") ? "report.photoOf" : "report.voiceOf", { number: index + 1 }),
  }));
  const large = named.filter(({ send }) => send.state === "queued" && send.waits_for_free_link);
  const waiting = named.filter(({ send }) => send.state !== "sent" && send.state !== "seen").length - large.length;
  return (
    <section className="stack">
      <h2>{t("copy.photos")}</h2>
      <div className="row">
        {named.map((item) => <Media key={item.id} id={item.id} contentType={item.content_type} name={item.name} />)}
      </div>
      {waiting > 0 && <p className="soft">{t("copy.photosWait", { count: waiting })}</p>}
      {large.map(({ id, name, send }) => (
        <div className="card card--line" key={id}>
          <p className="strong">{name}</p>
          <SendLine id={`send-${id}`} send={send} />
          <SendNow id={id} send={send} />
        </div>
      ))}
    </section>
  );
}

const KINDS = ["correction", "addition", "worse"] as const;

function Later(props: { report: ReportView }) {
  const t = useWords();
  const f = useFormats();
  const { additions } = props.report;
  if (additions.length === 0) return null;
  return (
    <section className="stack">
      <h2>{t("copy.additions")}</h2>
      <ul className="card" data-testid="additions">
        {additions.map((addition, index) => {
          const kind = KINDS.find((known) => known === addition.kind);
          return (
            <li className="entry" key={index}>
              <div className="entry__text">
                <span className="entry__name">{kind ? t(`copy.kind.${kind}`) : addition.kind}, {f.stamp(addition.at)}</span>
                {addition.text && <span className="entry__value">{addition.text}</span>}
                <SendLine id={`addition-${index}`} send={addition.send} />
              </div>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function Checks(props: { report: ReportView }) {
  const t = useWords();
  const f = useFormats();
  const code = useCodes();
  const { checks } = props.report;
  if (checks.length === 0) return null;
  return (
    <section className="stack">
      <h2>{t("copy.checks")}</h2>
      {checks.map((check) => (
        <div className="card" key={check.id}>
          <p className="soft small">{f.stamp(check.at)}</p>
          <h3>{code.urgency(check.urgency)}</h3>
          <Points items={[...check.advice, ...check.reasons]} />
        </div>
      ))}
    </section>
  );
}

function Readers(props: { report: ReportView }) {
  const t = useWords();
  const f = useFormats();
  const code = useCodes();
  const { readers } = props.report;
  return (
    <section className="stack" data-testid="readers">
      <h2>{t("copy.readers")}</h2>
      {readers.length === 0 ? (
        <p>{t("copy.noReaders")}</p>
      ) : (
        <Points items={readers.map(({ name, role, at }) => t("copy.reader", { name, role: code.role(role), time: f.stamp(at) }))} />
      )}
    </section>
  );
}

