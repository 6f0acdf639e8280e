import { useRef, useState } from "react";
import { Button } from "../../base/components/Button";
import { Icon } from "../../base/components/Icon";
import { Trouble } from "../../base/components/Loaded";
import { Media } from "../../base/components/Media";
import { State } from "../../base/components/Banner";
import type { DraftView } from "../../ipc/bindings";
import { useWords } from "../words";
import { base64Of } from "./base64";
import { useAttach, useDetach } from "./queries";

/** Photos and recordings: added here, re-encoded and sealed in Rust, never in the gallery. */
export function Attachments(props: { draft: DraftView }) {
  const t = useWords();
  const { draft } = props;
  const attach = useAttach();
  const detach = useDetach();
  const add = async (file: Blob) => attach.run(draft.id, file.type || "application/octet-stream", await base64Of(file));
  const trouble = attach.failure ?? detach.failure;

  return (
    <>
      {trouble && <Trouble error={trouble} />}
      {draft.attachments.length > 0 && (
        <ul className="rows" data-testid="attachments">
          {draft.attachments.map((item, index) => {
            const picture = item.content_type.startsWith("image/");
            const name = t(picture ? "report.photoOf" : "report.voiceOf", { number: index + 1 });
            return (
              <li key={item.id} className="entry">
                <Media id={item.id} contentType={item.content_type} name={name} />
                <Button
                  id={`remove-${item.id}`}
                  label={t("report.removeItem", { item: name })}
                  busy={detach.pending}
                  onPress={() => detach.run(draft.id, item.id)}
                >
                  {t("action.remove")}
                </Button>
              </li>
            );
          })}
        </ul>
      )}
      <label className="button file" data-testid="add-photo" aria-busy={attach.pending || undefined}>
        <Icon name="camera" />
        <span>{t("report.photo")}</span>
        <input
          type="file"
          accept="image/*"
          capture="environment"
          data-testid="photo-file"
          onChange={(event) => {
            const [file] = event.target.files ?? [];
            if (file) void add(file);
            event.target.value = "";
          }}
        />
      </label>
      <Recorder onRecorded={(sound) => void add(sound)} />
    </>
  );
}

/** Records the voice where the device can. */
function Recorder(props: { onRecorded: (sound: Blob) => void }) {
  const t = useWords();
  const recorder = useRef<MediaRecorder | null>(null);
  const [recording, setRecording] = useState(false);
  const [refused, setRefused] = useState(false);
  const able = typeof MediaRecorder !== "undefined" && !!navigator.mediaDevices?.getUserMedia;

  const start = async () => {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      const made = new MediaRecorder(stream);
      const parts: Blob[] = [];
      made.ondataavailable = (event) => parts.push(event.data);
      made.onstop = () => {
        stream.getTracks().forEach((track) => track.stop());
        props.onRecorded(new Blob(parts, { type: (made.mimeType || "audio/ogg").split(";")[0] }));
      };
      made.start();
      recorder.current = made;
      setRecording(true);
    } catch {
      setRefused(true);
    }
  };
  const stop = () => {
    recorder.current?.stop();
    recorder.current = null;
    setRecording(false);
  };

  if (!able) return <p className="soft small" data-testid="voice-none">{t("report.voiceNone")}</p>;
  return (
    <>
      {refused && <Trouble error={{ code: "device_refused", reference: "" }} />}
      {recording ? (
        <>
          <State id="recording" tone="danger" icon="mic">{t("report.recording")}</State>
          <Button id="voice-stop" look="danger" icon="stop" onPress={stop}>{t("report.voiceStop")}</Button>
        </>
      ) : (
        <Button id="voice-start" icon="mic" onPress={() => void start()}>{t("report.voice")}</Button>
      )}
    </>
  );
}
