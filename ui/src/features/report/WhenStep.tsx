import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Button } from "../../base/components/Button";
import { Facts, Field } from "../../base/components/Field";
import { Trouble } from "../../base/components/Loaded";
import { useFormats } from "../../base/i18n/format";
import { answerOf } from "../../base/query";
import { go } from "../../base/router";
import type { DraftView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";
import { useWords } from "../words";
import { useStep } from "./queries";
import { StepScreen } from "./StepScreen";

/** When and where it happened: the phone fills it in, the person changes what is wrong. */
export function WhenStep(props: { draft: DraftView }) {
  const t = useWords();
  const f = useFormats();
  const { draft } = props;
  const step = useStep();
  const here = useFilledPosition(draft);
  const [changing, setChanging] = useState(false);
  const [place, setPlace] = useState(draft.place_text ?? "");

  const keepPlace = () => {
    const text = place.trim() || null;
    if (text !== draft.place_text) step.run(draft.id, { step: "place", position: draft.position, text });
  };

  return (
    <StepScreen
      step="when"
      draft={draft}
      title={t("report.whenTitle")}
      sub={t("report.whenSub")}
      next={{ words: t("action.next"), onPress: () => { keepPlace(); go("report", "check"); } }}
    >
      {step.failure && <Trouble error={step.failure} />}
      <section className="card">
        <Facts items={[{ key: "when", name: t("report.when"), value: <span data-testid="when">{f.stamp(draft.happened_at)}</span> }]} />
        {changing ? (
          <TimeField at={draft.happened_at} onChange={(at) => step.run(draft.id, { step: "when", at })} />
        ) : (
          <Button id="change-time" icon="clock" onPress={() => setChanging(true)}>{t("report.changeTime")}</Button>
        )}
      </section>
      <section className="card">
        <Facts
          items={[
            {
              key: "place",
              name: t("report.place"),
              value: <span data-testid="position" role="status">{positionWords(draft, here, t, f)}</span>,
            },
          ]}
        />
        <Field
          id="place-text"
          label={t("report.placeText")}
          hint={t("report.placeHint")}
          value={place}
          onChange={setPlace}
          onLeave={keepPlace}
        />
      </section>
    </StepScreen>
  );
}

/** Asks the phone where it is, once, where the report does not say yet. */
function useFilledPosition(draft: DraftView) {
  const step = useStep();
  const here = useQuery({
    queryKey: ["here", draft.id],
    queryFn: () => answerOf(commands.whereAmI()),
    enabled: draft.position === null,
  });
  const { run } = step;
  const found = here.data;
  useEffect(() => {
    if (found && draft.position === null) run(draft.id, { step: "place", position: found, text: draft.place_text });
    // Only what the phone found starts this; an answer of the person must not.
  }, [found]);
  return { looking: draft.position === null && here.isPending };
}

function positionWords(
  draft: DraftView,
  here: { looking: boolean },
  t: ReturnType<typeof useWords>,
  f: ReturnType<typeof useFormats>,
): string {
  const { position } = draft;
  if (here.looking) return t("report.findingPlace");
  if (!position) return t("report.noPosition");
  const where = f.position(position);
  if (position.accuracy_m === null) return where;
  return `${where} (${t("report.about", { distance: f.near(position.accuracy_m) })})`;
}

/** Day and time in the phone's own zone. */
function TimeField(props: { at: number | null; onChange: (at: number) => void }) {
  const t = useWords();
  const [typed, setTyped] = useState(() => localInput(props.at ?? Date.now()));
  return (
    <Field
      id="time"
      type="datetime-local"
      label={t("report.timeField")}
      value={typed}
      onChange={(value) => {
        setTyped(value);
        const at = new Date(value).getTime();
        if (!Number.isNaN(at)) props.onChange(at);
      }}
    />
  );
}

/** `YYYY-MM-DDTHH:MM` in the zone of the phone: Swedish writes dates so. */
function localInput(at: number): string {
  return new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short" }).format(at).replace(" ", "T");
}
