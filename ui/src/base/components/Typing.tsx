import { useEffect, useState } from "react";
import type { VisitView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";
import { useShared } from "../i18n/shared";

/** What the other side types, before it is sent. A screen reader says the finished line, not every letter of it. */
export function Typing(props: { visit: VisitView; name: string }) {
  const t = useShared();
  const words = props.visit.peer_typing;
  if (words === null) return null;
  return (
    <p className="typing" aria-live="off" data-testid="peer-typing">
      <span className="soft small">{t("visit.typing", { name: props.name })}</span> {words}
    </p>
  );
}

/** A line that is being written. The other side sees it grow, and sees it go where this page is left without sending it. */
export function useTyped(): [string, (text: string) => void, (sent: "") => void] {
  const [text, setText] = useState("");
  useEffect(() => () => void commands.visitTyping(""), []);
  const write = (next: string) => {
    setText(next);
    // Words that cannot be shown while they are typed still arrive when they are sent.
    void commands.visitTyping(next).catch(() => null);
  };
  return [text, write, setText];
}
