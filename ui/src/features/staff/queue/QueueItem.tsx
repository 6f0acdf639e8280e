import { Button } from "../../../base/components/Button";
import { Icon } from "../../../base/components/Icon";
import { useFormats } from "../../../base/i18n/format";
import type { QueueItemView, SignalView } from "../../../ipc/bindings";
import { useStaffCodes } from "../codes";
import { useNow, useSpans } from "../time";
import { useStaffWords } from "../words";
import { Priority } from "./Priority";

/** One person who waits. The whole entry opens the chart; "Take" claims it too. */
export function QueueItem(props: { item: QueueItemView; number: number; current: boolean; onTake: () => void }) {
  const t = useStaffWords();
  const f = useFormats();
  const code = useStaffCodes();
  const { item, number } = props;
  return (
    <li className="entry-q" data-current={props.current || undefined}>
      <a
        className="entry-q__open"
        href={`#/case/${encodeURIComponent(item.task)}`}
        aria-current={props.current ? "true" : undefined}
        data-testid={`queue-item-${number}`}
        data-task={item.task}
        data-priority={item.priority}
      >
        <span className="entry-q__line">
          <strong className="entry-q__name">
            {item.name || t("case.noName")}
            {item.age !== null && <span className="entry-q__age">{t("queue.age", { age: item.age })}</span>}
          </strong>
          <Priority code={item.priority} />
        </span>
        <span className="entry-q__line">
          <span>
            {item.kind === "escalation" && <strong>{t("queue.escalated")} </strong>}
            {[item.what && t(`what.${item.what}`), ...item.places.map(code.place)].filter((text) => !!text).join(" · ") || t("queue.noReport")}
          </span>
        </span>
        <span className="entry-q__line">
          <Waiting since={item.waiting_since} />
          <span>{item.urgency ? t("queue.checked.result", { result: code.checkResult(item.urgency) }) : t("queue.notChecked")}</span>
        </span>
        <span className="entry-q__line entry-q__line--soft">
          <span>{code.language(item.language)}</span>
          <Signal signal={item.signal} />
        </span>
      </a>
      <span className="entry-q__line entry-q__foot">
        {item.mine ? (
          <span className="entry-q__owner" data-testid={`queue-owner-${number}`}><Icon name="check" size="1.1em" />{t("queue.mine")}</span>
        ) : item.claimed_by ? (
          <span className="entry-q__owner" data-testid={`queue-owner-${number}`}><Icon name="person" size="1.1em" />{t("queue.owner", { name: item.claimed_by })}</span>
        ) : (
          <>
            {item.unseen ? <span className="entry-q__new" data-testid={`queue-unseen-${number}`}>{t("queue.unseen")}</span> : <span className="soft">{t("queue.free")}</span>}
            <Button id={`queue-take-${number}`} label={t("queue.takeName", { name: item.name || t("case.noName") })} onPress={props.onTake}>{t("queue.take")}</Button>
          </>
        )}
      </span>
    </li>
  );
}

function Waiting(props: { since: number | null }) {
  const t = useStaffWords();
  const span = useSpans();
  const now = useNow();
  if (props.since === null) return null;
  return <span className="entry-q__wait">{now - props.since < 60_000 ? t("queue.justNow") : t("queue.waiting", { time: span(now - props.since) })}</span>;
}

/** The carrier's link: whether a call rings, how good it is, or when it was last there. */
function Signal(props: { signal: SignalView | null }) {
  const t = useStaffWords();
  const f = useFormats();
  const span = useSpans();
  const now = useNow();
  const { signal } = props;
  if (!signal) return <span>{t("signal.unknown")}</span>;
  const figures = [
    signal.rtt_ms !== null && f.unit(signal.rtt_ms, "millisecond"),
    signal.loss_permille !== null && t("signal.failed", { percent: f.number(signal.loss_permille / 10, 1) }),
  ].filter((text) => text !== false);
  return (
    <span className="entry-q__signal">
      <Icon name={signal.connected ? "check" : "nosignal"} size="1.1em" />
      {signal.connected ? [t("signal.connected"), ...figures].join(", ") : t("signal.away")}
      {!signal.connected && signal.last_sync_at !== null && `, ${t("signal.last", { time: span(now - signal.last_sync_at) })}`}
    </span>
  );
}
