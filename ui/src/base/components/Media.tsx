import { useEffect, useState } from "react";
import { useShared } from "../i18n/shared";
import { useAttachment } from "../query";

/** A photo or recording of this device or of the chart. The bytes stay in memory, never in a file. */
export function Media(props: { id: string; contentType?: string; name: string }) {
  const t = useShared();
  const media = useAttachment(props.id);
  const url = useObjectUrl(media.data);
  const type = media.data?.content_type ?? props.contentType ?? "";
  if (media.error) return <span className="entry__text">{props.name}</span>;
  if (!url) return <span className="photo" role="img" aria-label={`${props.name}. ${t("state.loading")}`} />;
  if (type.startsWith("audio/")) return <audio className="entry__text" controls src={url} aria-label={props.name} />;
  return <img className="photo" src={url} alt={props.name} />;
}

function useObjectUrl(media: { content_type: string; base64: string } | undefined): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (!media) return;
    const bytes = Uint8Array.from(atob(media.base64), (letter) => letter.charCodeAt(0));
    const made = URL.createObjectURL(new Blob([bytes], { type: media.content_type }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [media]);
  return url;
}
