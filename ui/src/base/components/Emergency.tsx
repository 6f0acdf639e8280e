// 911 in two taps: the button, then "Call 911 now". The card stands in place of the screen and never on top
// of it, and the screen behind keeps what was typed.

import { useQuery } from "@tanstack/react-query";
import { commands } from "../../ipc/transport";
import { useFormats } from "../i18n/format";
import { useShared } from "../i18n/shared";
import { answerOf } from "../query";
import { Button } from "./Button";
import { PhoneLink, whole } from "./PhoneLink";
import { Screen } from "./Screen";

const POISON = "1-800-222-1222";

/** The row at the foot of every screen. */
export function EmergencyRow(props: { open: boolean; onToggle: () => void }) {
  const t = useShared();
  return (
    <footer className="sos">
      <div className="sos__row">
        {props.open ? (
          <Button id="emergency-back" icon="back" wide onPress={props.onToggle}>{t("emergency.back")}</Button>
        ) : (
          <Button id="emergency" look="danger" icon="phone" wide onPress={props.onToggle}>{t("emergency.button")}</Button>
        )}
      </div>
    </footer>
  );
}

/** What to press, and what to read out. */
export function EmergencyCard(props: { place?: string | null; notSafe?: string }) {
  const t = useShared();
  return (
    <Screen id="emergency" title={t("emergency.title")}>
      {/* Before any words: the second tap must need no scrolling, also on a small phone with large text. */}
      <div className="sos__big">
        <PhoneLink id="emergency-call" number="911" look="danger-solid" wide>{t("emergency.call")}</PhoneLink>
      </div>
      <p>{props.notSafe ?? t("emergency.when")}</p>
      <p className="strong">{t("emergency.noBars")}</p>
      <section className="card card--line" aria-labelledby="read-out">
        <h2 id="read-out">{t("emergency.where")}</h2>
        <p>{t("emergency.say")}</p>
        <WhereAmI />
        {props.place && (
          <div>
            <p className="soft small">{t("emergency.place")}</p>
            <p className="read-out" data-testid="emergency-place">{props.place}</p>
          </div>
        )}
      </section>
      <PhoneLink id="emergency-988" number="988" wide>{t("emergency.lifeline")}</PhoneLink>
      <PhoneLink id="emergency-poison" number={POISON} wide>{t("emergency.poison", { number: whole(POISON) })}</PhoneLink>
    </Screen>
  );
}

function WhereAmI() {
  const t = useShared();
  const f = useFormats();
  const here = useQuery({ queryKey: ["here"], queryFn: () => answerOf(commands.whereAmI()), staleTime: 0 });
  if (here.isPending) return <p role="status">{t("emergency.finding")}</p>;
  if (!here.data) return <p className="strong" data-testid="emergency-no-position">{t("emergency.noPosition")}</p>;
  return (
    <div>
      <p className="soft small">{t("emergency.coordinates")}</p>
      <p className="read-out" data-testid="emergency-position">{f.position(here.data)}</p>
      {here.data.accuracy_m !== null && (
        <p className="soft">{t("emergency.accuracy", { distance: f.near(here.data.accuracy_m) })}</p>
      )}
    </div>
  );
}
