import { useState } from "react";
import { Button, LinkButton } from "../../base/components/Button";
import { Field } from "../../base/components/Field";
import { Trouble } from "../../base/components/Loaded";
import { Screen } from "../../base/components/Screen";
import { useWords } from "../words";
import { useStartReport } from "./queries";

/** Names the colleague, and starts the report. */
export function ForColleague() {
  const t = useWords();
  const start = useStartReport();
  const [name, setName] = useState("");
  const [missing, setMissing] = useState(false);
  const next = () => (name.trim() === "" ? setMissing(true) : start.run(name.trim()));
  return (
    <Screen id="colleague" title={t("report.colleagueTitle")}>
      {start.failure && <Trouble error={start.failure} />}
      <Field
        id="colleague-name"
        label={t("report.colleagueName")}
        error={missing && name.trim() === "" ? t("report.colleagueMissing") : undefined}
        value={name}
        onChange={setName}
        onEnter={next}
      />
      <div className="dock">
        <LinkButton id="back" href="#/" icon="back">{t("action.back")}</LinkButton>
        <Button id="next" look="primary" busy={start.pending} onPress={next}>{t("action.next")}</Button>
      </div>
    </Screen>
  );
}
