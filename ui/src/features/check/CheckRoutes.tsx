import { useEffect, useRef, useState } from "react";
import { Button, LinkButton } from "../../base/components/Button";
import { Field } from "../../base/components/Field";
import { Skeleton, Trouble } from "../../base/components/Loaded";
import { Screen } from "../../base/components/Screen";
import { Tile } from "../../base/components/Tile";
import { useCodes } from "../../base/i18n/codes";
import type { IconName } from "../../base/components/Icon";
import type { AppView, BodyPart, OptionView, Side } from "../../ipc/bindings";
import { BodyMap } from "../report/BodyMap";
import { useWords } from "../words";
import { Question } from "./Question";
import { useCheck, useComplaints, useComplaintsAt, useStartCheck } from "./queries";
import { Result } from "./Result";

/** The symptom check: `#/check` starts, `#/check/of/ID` starts for a report, `#/check/now` goes on. */
export function CheckRoutes(props: { app: AppView; place: string | undefined; report: string | undefined }) {
  const check = useCheck();
  if (props.place === "of" && props.report) return <StartOf report={props.report} />;
  if (props.place !== "now" || !check.data) return <Start />;
  return check.data.outcome ? (
    <Result app={props.app} check={check.data} outcome={check.data.outcome} />
  ) : check.data.question ? (
    <Question key={check.data.question.id} check={check.data} question={check.data.question} />
  ) : (
    <Start />
  );
}

/** Starts at once: the report already says what happened. */
function StartOf(props: { report: string }) {
  const t = useWords();
  const start = useStartCheck();
  const started = useRef(false);
  const { run } = start;
  useEffect(() => {
    if (started.current) return;
    started.current = true;
    run(props.report, null);
  });
  return (
    <Screen id="check-start" title={t("home.check")}>
      {start.failure ? <Trouble error={start.failure} onAgain={() => run(props.report, null)} /> : <Skeleton />}
    </Screen>
  );
}

type Way = "list" | "front" | "back";

function Start() {
  const t = useWords();
  const start = useStartCheck();
  const [text, setText] = useState("");
  const [way, setWay] = useState<Way>("list");
  const choose = (code: string) => start.run(null, code);
  const ways = { list: "report.list", front: "report.front", back: "report.back" } as const;
  return (
    <Screen id="check-start" title={t("check.startTitle")} sub={t("check.startSub")}>
      {start.failure && <Trouble error={start.failure} />}
      <Field id="complaint-search" type="search" label={t("check.search")} value={text} onChange={setText} />
      {text.trim() === "" && (
        <div className="segments" role="group" aria-label={t("check.onBody")}>
          {(["list", "front", "back"] as const).map((which) => (
            <Button key={which} id={`way-${which}`} pressed={way === which} onPress={() => setWay(which)}>{t(ways[which])}</Button>
          ))}
        </div>
      )}
      {text.trim() !== "" || way === "list" ? <Found text={text.trim()} onChoose={choose} /> : <OnBody view={way} onChoose={choose} />}
      <div className="dock">
        <LinkButton id="back" href="#/" icon="back">{t("action.back")}</LinkButton>
        <Button id="check-start" look="primary" busy={start.pending} onPress={() => start.run(null, null)}>{t("check.start")}</Button>
      </div>
    </Screen>
  );
}

/** Complaints that fit what was typed; all where nothing was. */
function Found(props: { text: string; onChoose: (code: string) => void }) {
  const t = useWords();
  const complaints = useComplaints(props.text);
  return (
    <>
      <Complaints options={complaints.data} onChoose={props.onChoose} />
      {complaints.data?.length === 0 && props.text !== "" && <p role="status">{t("check.searchNone")}</p>}
    </>
  );
}

/** A part of the body, then what it may be there. */
function OnBody(props: { view: "front" | "back"; onChoose: (code: string) => void }) {
  const t = useWords();
  const code = useCodes();
  const [place, setPlace] = useState<{ part: BodyPart; side: Side } | null>(null);
  const complaints = useComplaintsAt(place?.part ?? null);
  const here = useRef<HTMLHeadingElement>(null);
  // What was tapped is gone: whoever uses the keyboard goes on at what came in its place.
  useEffect(() => here.current?.focus(), [place]);
  // In the place of the picture: what comes above it would be out of sight of whoever tapped a foot.
  if (place) {
    return (
      <section className="stack" aria-labelledby="here">
        <h2 id="here" ref={here} tabIndex={-1} data-testid="marked">{t("check.here", { place: code.place(place) })}</h2>
        <Complaints options={complaints.data} onChoose={props.onChoose} />
        <Button id="other-place" look="quiet" onPress={() => setPlace(null)}>{t("check.otherPlace")}</Button>
      </section>
    );
  }
  return (
    <>
      <p className="strong">{t("check.onBodySub")}</p>
      <BodyMap view={props.view} places={[]} onTap={(part, side) => setPlace({ part, side })} />
    </>
  );
}

function Complaints(props: { options: OptionView[] | undefined; onChoose: (code: string) => void }) {
  return (
    <div className="tiles tiles--list" data-testid="complaints">
      {props.options?.map(({ code, text }) => (
        <Tile key={code} id={`complaint-${code}`} icon={ICONS[code]} onPress={() => props.onChoose(code)}>{text}</Tile>
      ))}
    </div>
  );
}

/** Pictures for those who would rather look; words stand beside them. */
const ICONS: Record<string, IconName | undefined> = {
  animal_bite: "animal", fall: "fall", heat: "heat", cold: "cold", cut: "cut", crash: "vehicle", sting: "sting",
  chemical: "chemical", assault: "assault", back_pain: "lifting", burn: "heat", eye: "eye", child: "people",
  something_else: "help",
};
