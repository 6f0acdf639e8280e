import { Trouble } from "../../base/components/Loaded";
import { Tile } from "../../base/components/Tile";
import { go } from "../../base/router";
import type { DraftView, SafeNow, WhatHappened } from "../../ipc/bindings";
import { useWords } from "../words";
import { useStep } from "./queries";
import { StepScreen } from "./StepScreen";

/** "Are you safe now?" One tap, and on. "Not safe" shows the 911 card first. */
export function SafeStep(props: { draft: DraftView; onNotSafe: () => void }) {
  const t = useWords();
  const { draft } = props;
  const step = useStep(() => go("report", "what"));
  const answer = (value: SafeNow) => {
    if (value === "not_safe") props.onNotSafe();
    step.run(draft.id, { step: "safe", value });
  };
  return (
    <StepScreen step="safe" draft={draft} title={t(draft.colleague === null ? "report.safeTitle" : "report.safeColleagueTitle")}>
      {step.failure && <Trouble error={step.failure} />}
      <div className="tiles tiles--list">
        <div className="hero-second">
          <Tile id="safe-safe" icon="check" chosen={draft.safe === "safe"} onPress={() => answer("safe")}>{t("report.safeYes")}</Tile>
        </div>
        <div className="hero-second">
          <Tile id="safe-not_safe" icon="alert" chosen={draft.safe === "not_safe"} onPress={() => answer("not_safe")}>{t("report.safeNo")}</Tile>
        </div>
      </div>
    </StepScreen>
  );
}

const WHAT: readonly WhatHappened[] = [
  "animal", "fall", "lifting", "vehicle", "heat", "cold", "cut", "sting", "chemical", "assault", "other",
];

/** "What happened?" One tap, and on. */
export function WhatStep(props: { draft: DraftView }) {
  const t = useWords();
  const { draft } = props;
  const step = useStep(() => go("report", "where"));
  return (
    <StepScreen step="what" draft={draft} title={t("report.whatTitle")} sub={t("report.whatSub")}>
      {step.failure && <Trouble error={step.failure} />}
      <div className="tiles">
        {WHAT.map((value) => (
          <Tile
            key={value}
            id={`what-${value}`}
            icon={value}
            chosen={draft.what === value}
            onPress={() => step.run(draft.id, { step: "what", value })}
          >
            {t(`what.${value}`)}
          </Tile>
        ))}
      </div>
    </StepScreen>
  );
}
