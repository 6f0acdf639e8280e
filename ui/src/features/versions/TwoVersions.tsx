import { useEffect, useRef, useState } from "react";
import { Banner, State } from "../../base/components/Banner";
import { Button } from "../../base/components/Button";
import { Facts } from "../../base/components/Field";
import { Trouble } from "../../base/components/Loaded";
import { PhoneLink } from "../../base/components/PhoneLink";
import { useCodes } from "../../base/i18n/codes";
import { useFormats } from "../../base/i18n/format";
import { useShared } from "../../base/i18n/shared";
import type { ConflictView, KeepForm, VersionView } from "../../ipc/bindings";
import { partsOf, runsOf, type Part } from "./parts";
import { useSettle } from "./queries";
import { kindWords, useVersionWords } from "./words";
import "./versions.css";

/** Both versions of one record, what differs said in words, and the choice. Nothing happens without a second press. */
export function TwoVersions(props: { conflict: ConflictView; helpPhone: string; onSettled: (keep: KeepForm) => void }) {
  const t = useVersionWords();
  const shared = useShared();
  const f = useFormats();
  const code = useCodes();
  const { conflict } = props;
  const [asked, setAsked] = useState<KeepForm | null>(null);
  const settle = useSettle(() => asked && props.onSettled(asked));
  const parts = partsOf({ t, shared, f, code }, conflict.mine, conflict.theirs);
  const [differing, same] = [parts.filter((part) => part.differs), parts.filter((part) => !part.differs)];
  const deleted = conflict.mine === null || conflict.theirs === null;
  const sides = (["mine", "theirs"] as const).map((side) => (
    <Version
      key={side}
      side={side}
      conflict={conflict}
      parts={deleted ? parts : differing}
      asked={asked === side}
      busy={settle.pending}
      onAsk={(on) => setAsked(on ? side : null)}
      onKeep={() => settle.run(conflict.id, side)}
    />
  ));
  return (
    <div className="stack" data-testid="versions">
      <p className="soft">{t("versions.of", { kind: kindWords(t, conflict.kind), time: f.moment(conflict.found_at) })}</p>
      {!deleted && (
        <p className="strong" data-testid="versions-differ">
          {differing.length > 0
            ? t("versions.differ", { count: differing.length, parts: f.list(differing.map(({ name }) => name.toLowerCase())) })
            : t("versions.hidden")}
        </p>
      )}
      {settle.failure && <Trouble error={settle.failure} />}
      <div className="versions">{sides}</div>
      {!deleted && same.length > 0 && (
        <section className="card" aria-labelledby="versions-same">
          <h2 id="versions-same">{t("versions.same")}</h2>
          <Facts items={same.map(({ key, name, mine }) => ({ key, name, value: mine }))} />
        </section>
      )}
      <p>{t("versions.unsure")}</p>
      <div className="row"><PhoneLink id="versions-phone" number={props.helpPhone} /></div>
    </div>
  );
}

function Version(props: {
  side: KeepForm;
  conflict: ConflictView;
  parts: Part[];
  asked: boolean;
  busy: boolean;
  onAsk: (on: boolean) => void;
  onKeep: () => void;
}) {
  const t = useVersionWords();
  const f = useFormats();
  const { side, conflict } = props;
  const version: VersionView | null = conflict[side];
  const time = f.moment(version?.changed_at);
  const keep = side === "mine" ? "versions.keepMine" : "versions.keepTheirs";
  return (
    <section className="card card--line" aria-labelledby={`version-${side}`} data-testid={`version-${side}`}>
      <div>
        <h2 id={`version-${side}`}>{t(side === "mine" ? "versions.mine" : "versions.theirs")}</h2>
        {time && <p className="soft small">{t("versions.changed", { time })}</p>}
      </div>
      {version ? (
        <dl className="facts">{props.parts.map((part) => <Line key={part.key} side={side} part={part} />)}</dl>
      ) : (
        <p className="strong">{t(side === "mine" ? "versions.deletedHere" : "versions.deletedThere")}</p>
      )}
      {props.asked ? (
        <Sure side={side} conflict={conflict} busy={props.busy} onKeep={props.onKeep} onBack={() => props.onAsk(false)} />
      ) : (
        <Button id={`keep-${side}`} icon={side === "mine" ? "person" : "people"} onPress={() => props.onAsk(true)}>{t(keep)}</Button>
      )}
    </section>
  );
}

/** One part. What differs is named so in words, and the words that only this version has are marked. */
function Line(props: { side: KeepForm; part: Part }) {
  const t = useVersionWords();
  const { side, part } = props;
  const [own, other] = side === "mine" ? [part.mine, part.theirs] : [part.theirs, part.mine];
  return (
    <div data-testid={`${side}-${part.key}`}>
      <dt>
        {part.name}
        {part.differs && <> <State tone="danger" icon="alert">{t("versions.differs")}</State></>}
      </dt>
      <dd className="prose">
        {own === "" ? <span className="soft">{t("versions.empty")}</span> : part.differs && part.free ? <Marked text={own} other={other} /> : own}
      </dd>
    </div>
  );
}

function Marked(props: { text: string; other: string }) {
  return <>{runsOf(props.text, props.other).map((run, index) => (run.own ? <mark key={index}>{run.text}</mark> : run.text))}</>;
}

/** What happens to the other version, before it does. */
function Sure(props: { side: KeepForm; conflict: ConflictView; busy: boolean; onKeep: () => void; onBack: () => void }) {
  const t = useVersionWords();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus();
    heading.current?.closest(".banner")?.scrollIntoView?.({ block: "nearest" });
  }, []);
  const mine = props.side === "mine";
  const deletes = props.conflict[props.side] === null;
  const happens = mine
    ? t(deletes ? "versions.mineDeletes" : "versions.mineHappens")
    : t(deletes ? "versions.theirsDeletes" : "versions.theirsHappens");
  return (
    <Banner id={`sure-${props.side}`} tone="warn">
      <div className="stack">
        <h3 ref={heading} tabIndex={-1}>{t(mine ? "versions.sureMine" : "versions.sureTheirs")}</h3>
        <p>{happens}</p>
        <div className="row">
          <Button id="keep-not-yet" onPress={props.onBack}>{t("versions.notYet")}</Button>
          <Button id="keep-yes" look="primary" busy={props.busy} onPress={props.onKeep}>{t(mine ? "versions.yesMine" : "versions.yesTheirs")}</Button>
        </div>
      </div>
    </Banner>
  );
}
