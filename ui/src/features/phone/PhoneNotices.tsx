import { Banner } from "../../base/components/Banner";
import type { LeavingView } from "../../ipc/bindings";
import { usePhone } from "./queries";
import { usePhoneWords } from "./words";

/** What a person must know of the phone: that it is being emptied, was emptied, was copied, or was away for too long. */
export function PhoneNotices() {
  const t = usePhoneWords();
  const view = usePhone().data;
  if (!view) return null;
  const { leaving, left, copied, offline_too_long } = view;
  return (
    <>
      {leaving && <Leaving leaving={leaving} />}
      {left && !leaving && (
        <Banner id="notice-left" tone="ok" flat live>
          {t(`left.${left.why}`)} {left.handed_in > 0 ? t("left.handed", { count: left.handed_in }) : t("left.none")}
        </Banner>
      )}
      {copied && <Banner id="notice-copied" tone="warn" flat live>{t("copied")}</Banner>}
      {offline_too_long !== null && (
        <Banner id="notice-too-long" tone="warn" icon="lock" flat live>{t("tooLong", { count: offline_too_long })}</Banner>
      )}
    </>
  );
}

function Leaving(props: { leaving: LeavingView }) {
  const t = usePhoneWords();
  const { leaving } = props;
  return (
    <Banner id="notice-leaving" tone={leaving.refused > 0 ? "danger" : "warn"} icon="send" flat live>
      <p className="strong">{t(`leaving.${leaving.why}`)}</p>
      <p>
        {leaving.waiting > 0 && t("leaving.waiting", { count: leaving.waiting })}{" "}
        {leaving.handed_in > 0 && t("leaving.handed", { count: leaving.handed_in })}
      </p>
      {leaving.needs_pin && <p className="strong">{t("leaving.pin")}</p>}
      {leaving.refused > 0 && <p className="strong">{t("leaving.refused", { count: leaving.refused })}</p>}
      <p>{t("leaving.keeps")}</p>
    </Banner>
  );
}
