import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, type ReactNode } from "react";
import { Banner } from "../../base/components/Banner";
import { Button } from "../../base/components/Button";
import { Trouble } from "../../base/components/Loaded";
import { PinPad } from "../../base/components/PinPad";
import { Screen } from "../../base/components/Screen";
import { useFormats } from "../../base/i18n/format";
import { useShared } from "../../base/i18n/shared";
import { useCommand } from "../../base/query";
import type { AppView, UnlockView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";
import { usePhone } from "../phone/queries";

const People = lazy(async () => ({ default: (await import("../phone/People")).People }));

/** Opens the app by PIN, with or without a signal. `children`: what works on a locked phone. */
export function Unlock(props: { app: AppView; onForgot: () => void; children?: ReactNode }) {
  const t = useShared();
  const client = useQueryClient();
  const phrase = props.app.vault === "sealed_file";
  const unlock = useCommand(commands.unlock, {
    key: ["unlock"],
    onDone: (view) => {
      if (view.open) void client.invalidateQueries();
    },
  });
  const forgot = useCommand(commands.forgotPin, { key: ["app", "sign-in"], onDone: props.onForgot });
  const tried = client.getQueryData<UnlockView>(["unlock"]);
  // Who goes off this phone does not come in again; the notice above says what happens.
  const leaving = usePhone().data?.leaving;
  const closed = leaving != null && !leaving.needs_pin;
  const trouble = unlock.failure ?? forgot.failure;

  return (
    <Screen id="unlock" title={t(closed ? "app.name" : phrase ? "pin.unlockPhraseTitle" : "pin.unlockTitle")}>
      {trouble && <Trouble error={trouble} />}
      <Suspense><People place="above" /></Suspense>
      {/* Beside the keys: where many are on a phone, what stands above their initials is out of view. */}
      {!trouble && <Wrong app={props.app} tried={tried} />}
      {!closed && (
        <>
          <PinPad phrase={phrase} give={t("pin.unlock")} busy={unlock.pending} onGive={(pin) => unlock.run(pin)} />
          <Button id="forgot-pin" look="quiet" busy={forgot.pending} onPress={() => forgot.run()}>{t("pin.forgot")}</Button>
        </>
      )}
      <Suspense><People place="below" /></Suspense>
      {props.children}
    </Screen>
  );
}

function Wrong(props: { app: AppView; tried: UnlockView | undefined }) {
  const t = useShared();
  const f = useFormats();
  const tried = props.tried && !props.tried.open ? props.tried : null;
  const wait = tried ? tried.wait_until : props.app.wait_until;
  if (tried?.sign_in_needed) return <Banner id="pin-state" tone="danger" live>{t("pin.signInNeeded")}</Banner>;
  if (wait !== null) return <Banner id="pin-state" tone="warn" icon="clock" live>{t("pin.wait", { time: f.clock(wait) })}</Banner>;
  if (tried) return <Banner id="pin-state" tone="warn" live>{t("pin.wrong", { count: tried.tries_left })}</Banner>;
  return null;
}
