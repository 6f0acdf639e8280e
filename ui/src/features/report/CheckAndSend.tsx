import { useState, type ReactNode } from "react";
import { Banner } from "../../base/components/Banner";
import { Button } from "../../base/components/Button";
import { Field, Points } from "../../base/components/Field";
import { Trouble, useShownRef } from "../../base/components/Loaded";
import { useCodes } from "../../base/i18n/codes";
import { useFormats } from "../../base/i18n/format";
import { useApp } from "../../base/query";
import type { DraftView, Missing } from "../../ipc/bindings";
import { useWords } from "../words";
import { Attachments } from "./Attachments";
import { useDiscard, useSend, useStep } from "./queries";
import { StepScreen, type StepName } from "./StepScreen";

/** Everything said so far, what may be added, who will see it, and send. */
export function CheckAndSend(props: { draft: DraftView }) {
  const t = useWords();
  const { draft } = props;
  const app = useApp();
  const send = useSend();
  const [pressed, setPressed] = useState(false);
  const missing = pressed ? draft.missing : [];
  const press = () => {
    setPressed(true);
    if (draft.missing.length === 0) send.run(draft.id);
  };
  return (
    <StepScreen
      step="check"
      draft={draft}
      title={t("report.checkTitle")}
      next={{ words: t("report.sendNow"), onPress: press, busy: send.pending }}
    >
      {missing.length > 0 && <MissingList missing={missing} />}
      {send.failure && <Trouble error={send.failure} />}
      {draft.sealed_only && <Banner id="sealed-only" tone="warn" icon="lock">{t("report.sealedOnly")}</Banner>}
      {app.data?.phase === "locked" && !draft.colleague && <Banner id="locked-owner" tone="warn" icon="people">{t("report.lockedOwner")}</Banner>}
      <Answers draft={draft} />
      <section className="stack" aria-labelledby="add-title">
        <h2 id="add-title">{t("report.addTitle")}</h2>
        <Attachments draft={draft} />
        <MoreWords draft={draft} />
      </section>
      <section className="card" aria-labelledby="readers-title" data-testid="who-will-see">
        <h2 id="readers-title">{t("report.readersTitle")}</h2>
        <Points
          items={[t("report.readers.care"), t("report.readers.manager"), t("report.readers.hr"), t("report.readers.you")]}
        />
      </section>
      <Discard draft={draft} />
    </StepScreen>
  );
}

/** Where each missing answer is given. */
const STEP_OF: Record<Missing, StepName> = { safe: "safe", what: "what", where: "where" };

function MissingList(props: { missing: Missing[] }) {
  const t = useWords();
  const shown = useShownRef();
  return (
    <Banner id="missing" tone="danger" live>
      <div className="strong" ref={shown}>{t("report.missing")}</div>
      <ul className="rows">
        {props.missing.map((item) => (
          <li key={item}>
            <a className="button button--wide" href={`#/report/${STEP_OF[item]}`} data-testid={`missing-${item}`}>
              {t(`report.missing.${item}`)}
            </a>
          </li>
        ))}
      </ul>
    </Banner>
  );
}

function Answers(props: { draft: DraftView }) {
  const t = useWords();
  const f = useFormats();
  const code = useCodes();
  const { draft } = props;
  const none = t("report.none");
  const rows: { step: StepName; item: "safe" | "what" | "where" | "when" | "place"; value: ReactNode }[] = [
    { step: "safe", item: "safe", value: draft.safe ? t(`safe.${draft.safe}`) : none },
    { step: "what", item: "what", value: draft.what ? t(`what.${draft.what}`) : none },
    { step: "where", item: "where", value: draft.places.length > 0 ? code.places(draft.places) : none },
    { step: "when", item: "when", value: f.stamp(draft.happened_at) },
    { step: "when", item: "place", value: draft.place_text ?? (draft.position ? f.position(draft.position) : none) },
  ];
  return (
    <div className="card card--line">
      {rows.map(({ step, item, value }) => (
        <div className="entry" key={item}>
          <div className="entry__text">
            <span className="entry__name">{t(`report.item.${item}`)}</span>
            <span className="entry__value" data-testid={`answer-${item}`}>{value}</span>
          </div>
          <a
            className="button"
            href={`#/report/${step}`}
            data-testid={`change-${item}`}
            aria-label={t("report.changeItem", { item: t(`report.item.${item}`) })}
          >
            {t("action.change")}
          </a>
        </div>
      ))}
    </div>
  );
}

/** Witness, own words, and for whom: each kept when the field is left. */
function MoreWords(props: { draft: DraftView }) {
  const t = useWords();
  const { draft } = props;
  const step = useStep();
  const [witness, setWitness] = useState(draft.witness ?? "");
  const [note, setNote] = useState(draft.note ?? "");
  const [colleague, setColleague] = useState(draft.colleague ?? "");
  const orNone = (typed: string) => typed.trim() || null;
  return (
    <>
      {step.failure && <Trouble error={step.failure} />}
      <Field
        id="witness"
        label={t("report.witness")}
        value={witness}
        onChange={setWitness}
        onLeave={() => step.run(draft.id, { step: "witness", text: orNone(witness) })}
      />
      <Field
        id="note"
        lines={3}
        label={t("report.note")}
        value={note}
        onChange={setNote}
        onLeave={() => step.run(draft.id, { step: "note", text: orNone(note) })}
      />
      <Field
        id="colleague"
        label={t("report.colleagueName")}
        hint={t("report.colleagueHint")}
        value={colleague}
        onChange={setColleague}
        onLeave={() => step.run(draft.id, { step: "colleague", name: orNone(colleague) })}
      />
    </>
  );
}

function Discard(props: { draft: DraftView }) {
  const t = useWords();
  const discard = useDiscard();
  const [asked, setAsked] = useState(false);
  if (!asked) {
    return <Button id="discard" look="quiet" onPress={() => setAsked(true)}>{t("report.discard")}</Button>;
  }
  return (
    <Banner id="discard-sure" tone="warn" live>
      <div className="stack">
        <p>{t("report.discardSure")}</p>
        {discard.failure && <Trouble error={discard.failure} />}
        <Button id="discard-no" onPress={() => setAsked(false)}>{t("action.cancel")}</Button>
        <Button id="discard-yes" look="danger" busy={discard.pending} onPress={() => discard.run(props.draft.id)}>
          {t("report.discardYes")}
        </Button>
      </div>
    </Banner>
  );
}
