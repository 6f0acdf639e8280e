import { useState } from "react";
import { Banner } from "../../base/components/Banner";
import { Button, LinkButton } from "../../base/components/Button";
import { Loaded, Trouble, useShownRef } from "../../base/components/Loaded";
import { Screen } from "../../base/components/Screen";
import { useFormats } from "../../base/i18n/format";
import { useShared } from "../../base/i18n/shared";
import { useCommand } from "../../base/query";
import { go } from "../../base/router";
import type { PhoneView, WaitingView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";
import { People } from "./People";
import { PHONE, useForgetAll, usePhone } from "./queries";
import { usePhoneWords } from "./words";

/** Whether this phone may be handed over, and going off it. Rust counts the rows that wait; nothing is said that is not known. */
export function ThisPhone() {
  const t = usePhoneWords();
  const shared = useShared();
  const phone = usePhone();
  return (
    <Screen id="this-phone" title={t("safe.title")}>
      <Loaded query={phone}>
        {(view) => (
          <>
            <Safe view={view} />
            <People place="above" /><People place="below" />
            <Leave />
          </>
        )}
      </Loaded>
      <div className="dock"><LinkButton id="back" href="#/" icon="back">{shared("action.back")}</LinkButton></div>
    </Screen>
  );
}

/** Yes or no, and what of whom is missing. */
export function Safe(props: { view: PhoneView }) {
  const t = usePhoneWords();
  const { view } = props;
  return (
    <section className="stack" aria-label={t("safe.title")}>
      <Banner id="safe" tone={view.safe_to_hand_over ? "ok" : "warn"} icon={view.safe_to_hand_over ? "check" : "alert"} live>
        <p className="strong">{t(view.safe_to_hand_over ? "safe.yes" : "safe.no")}</p>
        {!view.safe_to_hand_over && <p>{t("safe.how")}</p>}
      </Banner>
      <h2>{t("safe.who")}</h2>
      <ul className="rows">
        {view.people.map(({ seat, initials, here, waiting }) => (
          <li className="card card--line" key={seat} data-testid={`waits-${seat}`}>
            <p className="strong">{initials === "" ? t("people.nobody") : t(here ? "people.here" : "people.choose", { initials })}</p>
            <Waits waiting={waiting} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Waits(props: { waiting: WaitingView }) {
  const t = usePhoneWords();
  const f = useFormats();
  const { waiting } = props;
  const parts = (["reports", "photos", "others", "forms"] as const)
    .filter((kind) => waiting[kind] > 0)
    .map((kind) => t(`safe.${kind}`, { count: waiting[kind] }));
  return (
    <>
      {parts.length > 0 && <p>{f.list(parts)}</p>}
      {waiting.unknown && <p>{t("safe.unknown")}</p>}
      {parts.length === 0 && !waiting.unknown && <p className="soft">{t("safe.clear")}</p>}
    </>
  );
}

function Leave() {
  const t = usePhoneWords();
  const [sure, setSure] = useState(false);
  const forget = useForgetAll();
  const leave = useCommand(commands.leavePhone, {
    key: PHONE,
    onDone: () => {
      forget();
      go();
    },
  });
  return (
    <section className="card stack" aria-labelledby="leave-title">
      <h2 id="leave-title">{t("leave.title")}</h2>
      <p>{t("leave.why")}</p>
      {leave.failure && <Trouble error={leave.failure} />}
      {sure ? (
        <Sure busy={leave.pending} onYes={() => leave.run()} onNo={() => setSure(false)} />
      ) : (
        <div className="row"><Button id="leave" look="danger" onPress={() => setSure(true)}>{t("leave.start")}</Button></div>
      )}
    </section>
  );
}

function Sure(props: { busy: boolean; onYes: () => void; onNo: () => void }) {
  const t = usePhoneWords();
  const shown = useShownRef();
  return (
    <Banner id="leave-sure" tone="danger" live>
      <div className="stack" ref={shown}>
        <p className="strong">{t("leave.sure")}</p>
        <p>{t("leave.happens")}</p>
        <div className="row">
          <Button id="leave-no" onPress={props.onNo}>{t("leave.no")}</Button>
          <Button id="leave-yes" look="danger-solid" busy={props.busy} onPress={props.onYes}>{t("leave.yes")}</Button>
        </div>
      </div>
    </Banner>
  );
}
