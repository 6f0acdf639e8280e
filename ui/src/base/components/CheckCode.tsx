import { useId, useState } from "react";
import type { VisitView } from "../../ipc/bindings";
import { useShared } from "../i18n/shared";
import { Banner } from "./Banner";
import { Button } from "./Button";
import { PhoneLink } from "./PhoneLink";

/** The short code of a call, for who wants to compare it; a check that failed is said to everybody. */
export function CheckCode(props: { visit: VisitView; phone: string | null }) {
  const t = useShared();
  const id = useId();
  const [open, setOpen] = useState(false);
  const { code } = props.visit;
  if (code.state === "failed") {
    return (
      <Banner id="code-failed" tone="danger" icon="shield" live>
        <p className="strong">{t("code.failed")}</p>
        <p>{t("code.failedNow")}</p>
        {props.phone && <PhoneLink id="code-phone" number={props.phone} />}
      </Banner>
    );
  }
  return (
    <div className="check-code">
      <Button id="check-code" look="quiet" icon="shield" expanded={open} controls={id} onPress={() => setOpen(!open)}>{t("code.check")}</Button>
      <div id={id} hidden={!open} className="check-code__shown" role="status" data-testid="code-shown">
        {open && code.state === "digits" && (
          <>
            <p className="check-code__digits" data-testid="code-digits">{`${code.digits.slice(0, 3)} ${code.digits.slice(3)}`}</p>
            <p>{t("code.why")} {t("code.differ")}</p>
          </>
        )}
        {open && code.state !== "digits" && <p data-testid="code-none">{t(code.state === "none" ? "code.none" : "code.waiting")}</p>}
      </div>
    </div>
  );
}
