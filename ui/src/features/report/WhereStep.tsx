import { useState } from "react";
import { Button } from "../../base/components/Button";
import { Trouble } from "../../base/components/Loaded";
import { useCodes } from "../../base/i18n/codes";
import { go } from "../../base/router";
import type { BodyPart, DraftView, HurtPlace, Side } from "../../ipc/bindings";
import { useWords } from "../words";
import { BodyMap } from "./BodyMap";
import { hasSides, isMarked, PARTS, toggled } from "./places";
import { useStep } from "./queries";
import { StepScreen } from "./StepScreen";

/** "Where does it hurt?" on a picture, or on the list that says the same. */
export function WhereStep(props: { draft: DraftView }) {
  const t = useWords();
  const code = useCodes();
  const { draft } = props;
  const step = useStep();
  const [view, setView] = useState<"front" | "back" | "list">("front");
  const [missing, setMissing] = useState(false);
  // Taps may come faster than answers: each starts from what is shown, not from what was kept last.
  const [places, setPlaces] = useState(draft.places);

  const tap = (part: BodyPart, side: Side) => {
    setMissing(false);
    const value = toggled(places, part, side);
    setPlaces(value);
    step.run(draft.id, { step: "where", value });
  };
  const next = () => (places.length === 0 ? setMissing(true) : go("report", "when"));

  return (
    <StepScreen
      step="where"
      draft={draft}
      title={t("report.whereTitle")}
      next={{ words: t("action.next"), onPress: next }}
    >
      {step.failure && <Trouble error={step.failure} />}
      <div className="segments" role="group" aria-label={t("report.whereTitle")}>
        <Button id="view-front" pressed={view === "front"} onPress={() => setView("front")}>{t("report.front")}</Button>
        <Button id="view-back" pressed={view === "back"} onPress={() => setView("back")}>{t("report.back")}</Button>
        <Button id="view-list" pressed={view === "list"} onPress={() => setView("list")}>{t("report.list")}</Button>
      </div>
      <p role="status" className={missing ? "field__error" : "strong"} data-testid="marked">
        {missing
          ? t("report.whereMissing")
          : places.length === 0
            ? t("report.whereSub")
            : t("report.marked", { places: code.places(places) })}
      </p>
      {view === "list" ? (
        <BodyList places={places} onTap={tap} />
      ) : (
        <>
          <BodyMap view={view} places={places} onTap={tap} />
          <p className="soft small">{t("report.moreParts")}</p>
        </>
      )}
    </StepScreen>
  );
}

function BodyList(props: { places: HurtPlace[]; onTap: (part: BodyPart, side: Side) => void }) {
  const t = useWords();
  const code = useCodes();
  const { places } = props;
  const mark = (part: BodyPart, side: Side, words: string) => (
    <Button
      key={side}
      id={`list-${part}-${side}`}
      label={code.place({ part, side })}
      pressed={isMarked(places, part, side)}
      onPress={() => props.onTap(part, side)}
    >
      {words}
    </Button>
  );
  return (
    <ul className="body-list" data-testid="body-list">
      {PARTS.map((part) => (
        <li key={part}>
          {hasSides(part) && <span className="body-list__name">{t(`part.${part}`)}</span>}
          {hasSides(part)
            ? [mark(part, "left", t("report.left")), mark(part, "right", t("report.right"))]
            : <span className="body-list__one">{mark(part, "middle", t(`part.${part}`))}</span>}
        </li>
      ))}
    </ul>
  );
}
