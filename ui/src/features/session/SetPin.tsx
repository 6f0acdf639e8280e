import { useState } from "react";
import { Banner } from "../../base/components/Banner";
import { Trouble } from "../../base/components/Loaded";
import { PinPad } from "../../base/components/PinPad";
import { Screen } from "../../base/components/Screen";
import { useShared } from "../../base/i18n/shared";
import { useCommand } from "../../base/query";
import type { AppView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";

/** A new PIN, typed twice. Rust says whether it is strong enough. */
export function SetPin(props: { app: AppView }) {
  const t = useShared();
  const phrase = props.app.vault === "sealed_file";
  const [first, setFirst] = useState<string | null>(null);
  const [differs, setDiffers] = useState(false);
  const set = useCommand(commands.setPin, { key: ["app"] });

  const give = (typed: string) => {
    set.reset();
    setDiffers(false);
    if (first === null) return setFirst(typed);
    setFirst(null);
    if (first !== typed) return setDiffers(true);
    set.run(typed);
  };

  const again = first !== null;
  const title = phrase ? t(again ? "pin.phraseRepeat" : "pin.phraseTitle") : t(again ? "pin.repeatTitle" : "pin.setTitle");
  return (
    <Screen id="set-pin" title={title} sub={t("pin.setSub")}>
      {set.failure && <Trouble error={set.failure} />}
      {differs && <Banner id="pin-differs" tone="warn" live>{t(phrase ? "pin.phraseDiffers" : "pin.differs")}</Banner>}
      <PinPad key={String(again)} phrase={phrase} give={t(again ? "action.save" : "action.next")} busy={set.pending} onGive={give} />
    </Screen>
  );
}
