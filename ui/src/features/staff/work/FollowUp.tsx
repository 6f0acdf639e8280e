import { useState } from "react";
import { State } from "../../../base/components/Banner";
import { Button } from "../../../base/components/Button";
import { Field } from "../../../base/components/Field";
import { Trouble } from "../../../base/components/Loaded";
import { useFormats } from "../../../base/i18n/format";
import type { AppointmentView } from "../../../ipc/bindings";
import { commands } from "../../../ipc/transport";
import { Panel } from "../Panel";
import { Pick } from "../Pick";
import { useChartCommand } from "../queries";
import { dayAfter, dayOf } from "../time";
import { useStaffWords } from "../words";

const LENGTHS = [15, 20, 30, 45, 60] as const;
const QUICK_DAYS = [1, 2, 7] as const;
const MORNING = "09:00";

/** The next look at the person: when, how long, by video or in a clinic. */
export function FollowUp(props: { task: string; booked: AppointmentView | null }) {
  const t = useStaffWords();
  const [changing, setChanging] = useState(false);
  const { task, booked } = props;
  return (
    <Panel id="followup" title={t("followup.title")}>
      {booked && <Booked booked={booked} />}
      {booked && !changing ? (
        <div className="row"><Button id="followup-change" onPress={() => setChanging(true)}>{t("followup.change")}</Button></div>
      ) : (
        <Book task={task} onDone={() => setChanging(false)} />
      )}
    </Panel>
  );
}

function Booked(props: { booked: AppointmentView }) {
  const t = useStaffWords();
  const f = useFormats();
  const { booked } = props;
  return (
    <State id="followup-booked" tone="ok" icon="check">
      {t(booked.by_video ? "followup.bookedVideo" : "followup.bookedClinic", {
        time: f.stamp(booked.start),
        minutes: booked.minutes,
        who: booked.with,
      })}
    </State>
  );
}

function Book(props: { task: string; onDone: () => void }) {
  const t = useStaffWords();
  const { task } = props;
  const [start, setStart] = useState("");
  const [minutes, setMinutes] = useState(20);
  const [byVideo, setByVideo] = useState(true);
  const [missing, setMissing] = useState(false);
  const book = useChartCommand(task, commands.followUp, { onDone: props.onDone });
  const give = () => {
    const at = new Date(start).getTime();
    if (Number.isNaN(at)) return setMissing(true);
    book.run(task, { start: at, minutes, by_video: byVideo });
  };
  const choose = (value: string) => {
    setMissing(false);
    setStart(value);
  };
  return (
    <>
      <div className="dates">
        <Field id="followup-start" type="datetime-local" label={t("followup.when")} error={missing ? t("followup.missing") : undefined} value={start} onChange={choose} />
        <Pick
          id="followup-minutes"
          label={t("followup.long")}
          value={String(minutes)}
          options={LENGTHS.map((length) => ({ value: String(length), text: t("followup.minutes", { count: length }) }))}
          onPick={(picked) => setMinutes(Number(picked))}
        />
        <div className="quick" role="group" aria-label={t("followup.when")}>
          {QUICK_DAYS.map((days) => {
            const value = `${dayAfter(dayOf(Date.now()), days)}T${MORNING}`;
            return (
              <Button key={days} id={`followup-in-${days}`} pressed={start === value} onPress={() => choose(value)}>
                {days === 1 ? t("followup.tomorrow") : t("followup.in", { count: days })}
              </Button>
            );
          })}
        </div>
      </div>
      <div className="statuses" role="group" aria-label={t("followup.how")}>
        <Button id="followup-video" icon="video" pressed={byVideo} onPress={() => setByVideo(true)}>{t("followup.video")}</Button>
        <Button id="followup-clinic" icon="home" pressed={!byVideo} onPress={() => setByVideo(false)}>{t("followup.clinic")}</Button>
      </div>
      {book.failure && <Trouble error={book.failure} />}
      <div className="row row--end">
        <Button id="followup-book" icon="plus" busy={book.pending} onPress={give}>{t("followup.book")}</Button>
      </div>
    </>
  );
}
