import { State } from "../../base/components/Banner";
import { Button } from "../../base/components/Button";
import { Trouble } from "../../base/components/Loaded";
import { useCommand } from "../../base/query";
import type { VisitView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";
import { useWords } from "../words";

const key = ["visit"];

/** Where the line carries no talk: what is said into the phone goes into the report, and out when there is a line. */
export function Note(props: { visit: VisitView }) {
  const t = useWords();
  const { visit } = props;
  const begin = useCommand(commands.visitNoteBegin, { key });
  const end = useCommand(commands.visitNoteEnd, { key });
  const failure = begin.failure ?? end.failure;
  const speaking = visit.note_seconds !== null;
  const weak = visit.state === "reconnecting" || visit.quality === "picture_paused" || visit.quality === "weak";
  if (!speaking && !weak && visit.notes_kept === 0) return null;
  return (
    <section className="stack" aria-label={t("note.title")} data-testid="note">
      {speaking ? (
        <>
          {/* Seconds tick for the eye: read aloud, they would drown what is said. */}
          <div role="status"><State id="note-speaking" tone="danger" icon="mic">{t("note.speaking")}</State></div>
          <p aria-hidden data-testid="note-seconds">{t("note.seconds", { seconds: visit.note_seconds ?? 0 })}</p>
          <div className="call__controls">
            <Button id="note-keep" look="primary" icon="check" busy={end.pending} onPress={() => end.run(true)}>{t("note.keep")}</Button>
            <Button id="note-drop" icon="close" busy={end.pending} onPress={() => end.run(false)}>{t("note.drop")}</Button>
          </div>
        </>
      ) : (
        weak && (
          <>
            <Button id="note-begin" icon="mic" busy={begin.pending} onPress={() => begin.run()}>{t("note.begin")}</Button>
            <p className="soft small">{t("note.why")}</p>
          </>
        )
      )}
      {visit.notes_kept > 0 && (
        <div role="status"><State id="notes-kept" tone="ok" icon="check">{t("note.kept", { count: visit.notes_kept })}</State></div>
      )}
      {failure && <Trouble error={failure} />}
    </section>
  );
}
