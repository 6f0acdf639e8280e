import { useSyncExternalStore } from "react";
import { Banner } from "../../../base/components/Banner";
import { Button } from "../../../base/components/Button";
import { Empty, Loaded, Trouble } from "../../../base/components/Loaded";
import { PhoneLink } from "../../../base/components/PhoneLink";
import { useFormats } from "../../../base/i18n/format";
import { useApp } from "../../../base/query";
import type { QueueItemView, QueueView } from "../../../ipc/bindings";
import { go } from "../../../base/router";
import { useClaim, useQueue } from "../queries";
import { useStaffWords } from "../words";
import { QueueItem } from "./QueueItem";
import { TakeIn } from "./TakeIn";
import { setSoundOn, soundOn, watchSound } from "./sound";

/** Who waits: in the order that Rust gives, call-backs apart. */
export function Queue(props: { task: string | null; takesIn?: boolean }) {
  const queue = useQueue();
  const app = useApp();
  const unreachable = queue.error != null || app.data?.network.state === "offline";
  return (
    <Loaded query={queue}>
      {(view) => <QueueOf view={{ ...view, stale: view.stale || unreachable }} task={props.task} takesIn={props.takesIn ?? true} />}
    </Loaded>
  );
}

function QueueOf(props: { view: QueueView; task: string | null; takesIn: boolean }) {
  const t = useStaffWords();
  const { view } = props;
  const claim = useClaim();
  const take = (task: string) => {
    claim.run(task);
    go("case", task);
  };
  const numbered = view.items.map((item, number) => ({ item, number }));
  const waiting = numbered.filter(({ item }) => item.kind !== "call-back");
  const callBacks = numbered.filter(({ item }) => item.kind === "call-back");
  const list = (entries: { item: QueueItemView; number: number }[]) => (
    <ol className="queue__list">
      {entries.map(({ item, number }) => (
        <QueueItem key={item.task} item={item} number={number} current={item.task === props.task} onTake={() => take(item.task)} />
      ))}
    </ol>
  );
  return (
    <>
      <div className="panel__head">
        <h2 id="queue-title" data-testid="queue-title">
          {view.stale && waiting.length === 0 ? t("queue.titleUnknown") : t("queue.title", { count: waiting.length })}
        </h2>
        <SoundSwitch />
      </div>
      {view.stale && <Stale view={view} />}
      {claim.failure && claim.failure.code !== "taken" && <Trouble error={claim.failure} />}
      {waiting.length > 0 && list(waiting)}
      {view.items.length === 0 && !view.stale && <Nobody asOf={view.as_of} />}
      {callBacks.length > 0 && (
        <section className="queue__part" aria-labelledby="call-backs" data-testid="call-backs">
          <h3 id="call-backs">{t("queue.callBacks", { count: callBacks.length })}</h3>
          {list(callBacks)}
        </section>
      )}
      {props.takesIn && <TakeIn />}
    </>
  );
}

function SoundSwitch() {
  const t = useStaffWords();
  const on = useSyncExternalStore(watchSound, soundOn);
  return <Button id="sound" look="quiet" onPress={() => setSoundOn(!on)}>{t(on ? "alert.soundIsOn" : "alert.soundIsOff")}</Button>;
}

/** The list may lack people: it says so, and how old it is, and never counts to zero. */
function Stale(props: { view: QueueView }) {
  const t = useStaffWords();
  const f = useFormats();
  const app = useApp();
  const { as_of, items } = props.view;
  return (
    <Banner id="queue-stale" tone="warn" icon="nosignal" live>
      <div className="stack">
        <p className="strong">{t("queue.stale")}</p>
        <p>{as_of === null ? t("queue.neverRead") : t("queue.staleSince", { time: f.moment(as_of) })}</p>
        <p>{t(items.length === 0 ? "queue.staleEmpty" : "queue.staleMore")}</p>
        {app.data && <div className="row"><PhoneLink id="queue-phone" number={app.data.help_phone} /></div>}
      </div>
    </Banner>
  );
}

function Nobody(props: { asOf: number | null }) {
  const t = useStaffWords();
  const f = useFormats();
  return (
    <Empty id="queue-empty">
      <p className="strong">{t("queue.empty")}</p>
      <p className="soft">{t("queue.emptySub")}</p>
      {props.asOf !== null && <p className="soft small">{t("queue.checked", { time: f.clock(props.asOf) })}</p>}
    </Empty>
  );
}
