import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, useSyncExternalStore } from "react";
import { Banner } from "../../../base/components/Banner";
import { Button } from "../../../base/components/Button";
import { go } from "../../../base/router";
import { onAlert } from "../../../ipc/transport";
import { queueKey, useClaim, useQueue } from "../queries";
import { useStaffWords } from "../words";
import { beep, setSoundOn, soundOn, unlockSoundOnFirstTouch, watchSound } from "./sound";

const REPEAT_MS = 15_000;

/** An urgent case: sound, words across the screen and in the title, until somebody answers it. */
export function UrgentAlert() {
  const t = useStaffWords();
  const client = useQueryClient();
  const queue = useQueue();
  const claim = useClaim();
  const [calling, setCalling] = useState(false);
  const sound = useSyncExternalStore(watchSound, soundOn);

  useEffect(unlockSoundOnFirstTouch, []);
  useEffect(() => {
    let stop: (() => void) | undefined;
    let gone = false;
    void onAlert((kind) => {
      if (kind !== "urgent_case") return;
      setCalling(true);
      void client.invalidateQueries({ queryKey: queueKey });
    }).then((unlisten) => (gone ? unlisten() : (stop = unlisten)));
    return () => {
      gone = true;
      stop?.();
    };
  }, [client]);

  useEffect(() => {
    if (!calling || !sound) return;
    beep();
    const timer = setInterval(beep, REPEAT_MS);
    return () => clearInterval(timer);
  }, [calling, sound]);
  useEffect(() => {
    document.title = calling ? t("alert.windowTitle") : t("app.name");
  }, [calling, t]);

  if (!calling) return null;
  const first = queue.data?.items.find((item) => item.claimed_by === null && ["stat", "asap"].includes(item.priority));
  return (
    <div className="urgent" role="alert" data-testid="urgent-alert">
      <Banner id="urgent-words" tone="danger" flat>
        <span className="row">
          <strong>{first ? t("alert.urgentName", { name: first.name || t("case.noName") }) : t("alert.urgent")}</strong>
          {first && (
            <Button
              id="urgent-take"
              look="danger-solid"
              onPress={() => {
                setCalling(false);
                claim.run(first.task);
                go("case", first.task);
              }}
            >
              {t("alert.take")}
            </Button>
          )}
          <Button id="urgent-seen" onPress={() => setCalling(false)}>{t("alert.seen")}</Button>
          <Button id="urgent-sound" pressed={!sound} onPress={() => setSoundOn(!sound)}>{t("alert.soundOff")}</Button>
        </span>
      </Banner>
    </div>
  );
}
