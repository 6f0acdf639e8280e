import type { SendState } from "../../ipc/bindings";
import { useCodes } from "../i18n/codes";
import { useFormats } from "../i18n/format";
import { useShared } from "../i18n/shared";
import { State } from "./Banner";

/** Where an entry is on its way: the seven states, each with its own shape and words. */
export function SendLine(props: { id: string; send: SendState }) {
  const t = useShared();
  const f = useFormats();
  const code = useCodes();
  const { send, id } = props;
  switch (send.state) {
    case "draft":
      return <State id={id} tone="soft" icon="pencil">{t("send.draft")}</State>;
    case "queued":
      return <State id={id} tone="warn" icon="clock">{t(queuedWords(send))}</State>;
    case "sending":
      return <State id={id} tone="plain" icon="sync" moving>{t("send.sending", { number: send.number, of: send.of })}</State>;
    case "sent":
      return <State id={id} tone="ok" icon="check">{t("send.sent", { time: f.moment(send.at), number: send.number })}</State>;
    case "seen":
      return <State id={id} tone="ok" icon="eye">{t("send.seen", { who: code.aReader(send.by_role), time: f.moment(send.at) })}</State>;
    case "attention":
      return <State id={id} tone="danger" icon="alert">{t("send.attention")}</State>;
    case "conflict":
      return <State id={id} tone="danger" icon="copy">{t("send.conflict")}</State>;
  }
}

const queuedWords = ({ sealed, waits_for_free_link }: Extract<SendState, { state: "queued" }>) =>
  sealed ? "send.queued.sealed" : waits_for_free_link ? "send.queued.large" : "send.queued";

/** When it was tried, and when it is tried again. */
export function SendTimes(props: { send: SendState }) {
  const t = useShared();
  const f = useFormats();
  const { send } = props;
  if (send.state !== "queued") return null;
  return (
    <>
      {send.tried_at !== null && <p className="soft small">{t("send.queued.tried", { time: f.moment(send.tried_at) })}</p>}
      {send.next_at !== null && <p className="soft small">{t("send.queued.next", { time: f.moment(send.next_at) })}</p>}
    </>
  );
}
