import { useEffect, useMemo, useRef, useState } from "react";
import { Button } from "../../../base/components/Button";
import { Loaded } from "../../../base/components/Loaded";
import { useAttachment } from "../../../base/query";
import { useStaffWords } from "../words";

/** A photo of the report, or one with a name of its own; pressed, it fills the window. */
export function Photo(props: { id: string; number: number; name?: string }) {
  const t = useStaffWords();
  const bytes = useAttachment(props.id);
  const [large, setLarge] = useState(false);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (large) dialog.current?.showModal();
  }, [large]);
  const name = props.name ?? t("report.photo", { number: props.number });
  return (
    <Loaded query={bytes}>
      {(file) => {
        const source = `data:${file.content_type};base64,${file.base64}`;
        return (
          <>
            <button type="button" className="photo-open" data-testid={`photo-${props.number}`} onClick={() => setLarge(true)}>
              <img src={source} alt={name} />
              <span className="small">{t("report.photoLarge")}</span>
            </button>
            {large && (
              <dialog ref={dialog} className="dialog dialog--photo" aria-label={name} onClose={() => setLarge(false)}>
                <img src={source} alt={name} />
                <Button id="photo-close" icon="close" onPress={() => dialog.current?.close()}>{t("action.close")}</Button>
              </dialog>
            )}
          </>
        );
      }}
    </Loaded>
  );
}

/** A recording of the report. */
export function Voice(props: { id: string; number: number }) {
  const t = useStaffWords();
  const bytes = useAttachment(props.id);
  return (
    <Loaded query={bytes}>
      {(file) => <Player name={t("report.voice", { number: props.number })} type={file.content_type} base64={file.base64} />}
    </Loaded>
  );
}

// The window's content policy plays sound from a blob only, so the bytes become one.
function Player(props: { name: string; type: string; base64: string }) {
  const { type, base64 } = props;
  const blob = useMemo(() => new Blob([Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))], { type }), [type, base64]);
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return (
    <figure className="voice">
      <figcaption>{props.name}</figcaption>
      <audio controls src={url} aria-label={props.name} />
    </figure>
  );
}
