import type { ReactNode } from "react";
import { useState } from "react";
import { commands } from "../../ipc/transport";
import { useShared } from "../i18n/shared";
import { LinkButton, type Look } from "./Button";

/** The number with hyphens that no line ends at: half a number is soon misread. */
export const whole = (number: string) => number.replaceAll("-", "-\u2060");

/**
 * Calls a number: the system's dialler by the shell, `tel:` where that fails. A computer without a
 * dialler shows the number to call by hand.
 */
export function PhoneLink(props: { id: string; number: string; look?: Look; wide?: boolean; children?: ReactNode }) {
  const t = useShared();
  const [byHand, setByHand] = useState(false);
  const dial = async () => {
    const answer = await commands.dial(props.number).catch(() => null);
    if (answer?.status !== "ok") setByHand(true);
  };
  return (
    <>
      <LinkButton
        id={props.id}
        href={`tel:${props.number.replace(/[^\d+]/g, "")}`}
        icon="phone"
        look={props.look}
        wide={props.wide}
        onPress={(event) => {
          event.preventDefault();
          void dial();
        }}
      >
        {props.children ?? t("action.call", { number: whole(props.number) })}
      </LinkButton>
      {byHand && <p role="status" className="strong">{t("phone.byHand", { number: whole(props.number) })}</p>}
    </>
  );
}
