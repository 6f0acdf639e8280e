import { State } from "../../base/components/Banner";
import { Trouble } from "../../base/components/Loaded";
import { Tile } from "../../base/components/Tile";
import { useCodes } from "../../base/i18n/codes";
import { useFormats } from "../../base/i18n/format";
import type { HowNowForm, RecheckView } from "../../ipc/bindings";
import { useWords } from "../words";
import { useRecheck } from "./queries";

const HOW: { how: HowNowForm; words: "recheck.better" | "recheck.same" | "recheck.worse"; icon: "check" | "clock" | "alert" }[] = [
  { how: "better", words: "recheck.better", icon: "check" },
  { how: "same", words: "recheck.same", icon: "clock" },
  { how: "worse", words: "recheck.worse", icon: "alert" },
];

/** "How are you now?", once the time of a check's result is over; before that, when it will be asked. */
export function Recheck(props: { recheck: RecheckView }) {
  const t = useWords();
  const f = useFormats();
  const code = useCodes();
  const again = useRecheck();
  const { check, urgency, at, due, due_at } = props.recheck;
  const then = (
    <p className="soft small" data-testid="recheck-then">
      {t("recheck.then", { time: f.moment(at), urgency: code.urgency(urgency) })}
    </p>
  );
  if (!due) {
    return (
      <div className="card" data-testid="recheck-later">
        <State tone="soft" icon="clock">{t("recheck.later", { time: f.moment(due_at) })}</State>
        {then}
      </div>
    );
  }
  return (
    <section className="card stack" aria-labelledby="recheck" data-testid="recheck-now">
      <h2 id="recheck">{t("recheck.title")}</h2>
      {then}
      {again.failure && <Trouble error={again.failure} />}
      <div className="tiles tiles--list">
        {HOW.map(({ how, words, icon }) => (
          <Tile key={how} id={`recheck-${how}`} icon={icon} onPress={() => again.run(check, how)}>{t(words)}</Tile>
        ))}
      </div>
    </section>
  );
}
