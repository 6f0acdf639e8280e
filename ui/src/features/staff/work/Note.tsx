import { useId, useState } from "react";
import { State } from "../../../base/components/Banner";
import { Button } from "../../../base/components/Button";
import { Field } from "../../../base/components/Field";
import { Trouble } from "../../../base/components/Loaded";
import { useFormats } from "../../../base/i18n/format";
import type { NoteView } from "../../../ipc/bindings";
import { commands } from "../../../ipc/transport";
import { focusPanel, Panel } from "../Panel";
import { useChartCommand } from "../queries";
import { useStaffWords } from "../words";
import { useNoteDraft } from "./noteDraft";

/** The note of this visit: typed and kept, then signed, then only added to. */
export function Note(props: { task: string; note: NoteView; locked: boolean }) {
  const t = useStaffWords();
  if (props.note.signed_at !== null) return <SignedNote task={props.task} note={props.note} locked={props.locked} />;
  if (!props.locked) return <OpenNote task={props.task} note={props.note} />;
  return (
    <Panel id="note" title={t("note.title")}>
      <p className="soft" data-testid="note-locked">{t("note.takeFirst")}</p>
      {props.note.text && <p className="note__read" data-testid="note-readonly">{props.note.text}</p>}
    </Panel>
  );
}

function OpenNote(props: { task: string; note: NoteView }) {
  const t = useStaffWords();
  const f = useFormats();
  const id = useId();
  const { task, note } = props;
  const draft = useNoteDraft(task, note);
  const [nothing, setNothing] = useState(false);
  const sign = useChartCommand(task, commands.noteSign, { onDone: () => focusPanel("note") });
  const giveSign = async () => {
    if (draft.text.trim() === "") return setNothing(true);
    if (await draft.save()) sign.run(task, draft.latest());
  };
  return (
    <Panel id="note" title={t("note.title")}>
      <label className="hidden-visually" htmlFor={id}>{t("note.label")}</label>
      <textarea
        id={id}
        className="input note__text"
        data-testid="note-text"
        rows={9}
        value={draft.text}
        onChange={(event) => {
          setNothing(false);
          draft.type(event.target.value);
        }}
        onBlur={() => void draft.save()}
      />
      {nothing && <p className="field__error" role="alert">{t("note.nothing")}</p>}
      {draft.failure && <Trouble error={draft.failure} onAgain={() => void draft.save()} />}
      {sign.failure && <Trouble error={sign.failure} />}
      <div className="row row--ends">
        <span role="status" className="soft" data-testid="note-state" data-state={draft.saving}>
          {draft.saving === "saved" && (note.saved_at === null ? t("note.empty") : t("note.saved", { time: f.moment(note.saved_at) }))}
          {(draft.saving === "typing" || draft.saving === "saving") && t("note.saving")}
          {draft.saving === "failed" && <strong>{t("note.notSaved")}</strong>}
        </span>
        <Button id="note-sign" look="primary" icon="pencil" busy={sign.pending} onPress={() => void giveSign()}>{t("note.sign")}</Button>
      </div>
    </Panel>
  );
}

function SignedNote(props: { task: string; note: NoteView; locked: boolean }) {
  const t = useStaffWords();
  const f = useFormats();
  const { task, note } = props;
  const [text, setText] = useState("");
  const [nothing, setNothing] = useState(false);
  const add = useChartCommand(task, commands.noteAddendum, { onDone: () => setText("") });
  const give = () => {
    if (text.trim() === "") return setNothing(true);
    add.run(task, text);
  };
  return (
    <Panel id="note" title={t("note.title")}>
      <State id="note-signed" tone="ok" icon="check">{t("note.signed", { time: f.moment(note.signed_at) })}</State>
      <p className="note__read" data-testid="note-readonly">{note.text}</p>
      {note.addenda.length > 0 && (
        <ol className="additions" data-testid="note-addenda">
          {note.addenda.map((addendum, index) => (
            <li key={index}>
              <strong>{t("note.addendum")}</strong> <span className="soft">{f.moment(addendum.at)}</span>
              <p>{addendum.text}</p>
            </li>
          ))}
        </ol>
      )}
      {!props.locked && (
        <>
          <Field
            id="note-addendum"
            label={t("note.addMore")}
            hint={t("note.addMoreHint")}
            error={nothing ? t("note.nothing") : undefined}
            lines={2}
            value={text}
            onChange={(value) => {
              setNothing(false);
              setText(value);
            }}
          />
          {add.failure && <Trouble error={add.failure} />}
          <div className="row"><Button id="note-addendum-add" icon="plus" busy={add.pending} onPress={give}>{t("note.add")}</Button></div>
        </>
      )}
    </Panel>
  );
}
