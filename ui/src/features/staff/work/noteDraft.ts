// The note as it is typed: kept 800 ms after the last key, when the field is left, and before signing.

import { useCallback, useEffect, useRef, useState } from "react";
import { answerOf, failureOf } from "../../../base/query";
import type { CommandError, NoteView } from "../../../ipc/bindings";
import { commands } from "../../../ipc/transport";
import { useKeepNote } from "../queries";

const PAUSE_MS = 800;

export type NoteSaving = "saved" | "typing" | "saving" | "failed";

/** The text on the screen, how far its saving is, and what failed. `save` is true once Rust has every letter. */
export function useNoteDraft(task: string, note: NoteView) {
  const keep = useKeepNote(task);
  const [text, setText] = useState(note.text);
  const [saving, setSaving] = useState<NoteSaving>("saved");
  const [failure, setFailure] = useState<CommandError | null>(null);
  const typed = useRef(note.text);
  const stored = useRef(note.text);
  // What our own save answered: it may differ from what was typed, and must not jump under the cursor.
  const echo = useRef(note.text);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const running = useRef<Promise<boolean> | null>(null);
  const latestKeep = useRef(keep);
  latestKeep.current = keep;

  const save = useCallback((): Promise<boolean> => {
    clearTimeout(timer.current);
    const sendAll = async () => {
      try {
        while (typed.current !== stored.current) {
          const sending = typed.current;
          setSaving("saving");
          const answer = await answerOf(commands.noteSave(task, sending));
          stored.current = sending;
          echo.current = answer.text;
          latestKeep.current(answer);
        }
        setFailure(null);
        setSaving("saved");
        return true;
      } catch (error) {
        setFailure(failureOf(error));
        setSaving("failed");
        return false;
      }
    };
    // Let go of only after it was kept here: a run with nothing to send ends at once, and a stale one would be
    // taken for the saving of everything typed later.
    running.current ??= sendAll().finally(() => {
      running.current = null;
    });
    return running.current;
  }, [task]);

  const type = (value: string) => {
    typed.current = value;
    setText(value);
    setSaving("typing");
    clearTimeout(timer.current);
    timer.current = setTimeout(() => void save(), PAUSE_MS);
  };

  // Written elsewhere, for example after a sync, while nothing unsaved stands here.
  useEffect(() => {
    if (note.text === echo.current || typed.current !== stored.current) return;
    typed.current = stored.current = echo.current = note.text;
    setText(note.text);
  }, [note.text]);

  // The case is left with letters not yet kept: keep them now.
  useEffect(() => () => {
    if (typed.current !== stored.current) void save();
  }, [save]);

  // What stands on the screen at this moment, for who must not wait for the next drawing.
  const latest = () => typed.current;

  return { text, type, save, saving, failure, latest };
}
