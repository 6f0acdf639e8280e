import { useState, type ReactNode } from "react";
import { Button } from "../../base/components/Button";
import { Choice } from "../../base/components/Choice";
import { Field } from "../../base/components/Field";
import { Trouble } from "../../base/components/Loaded";
import { Screen } from "../../base/components/Screen";
import { CheckTile, Tile } from "../../base/components/Tile";
import type { AnswerForm, QuestionView, TriageView } from "../../ipc/bindings";
import { useWords } from "../words";
import { useAnswer, useBack } from "./queries";

type Give = (answer: AnswerForm) => void;

/** One question a page. One-answer questions go on by themselves; "Not sure" is always there. */
export function Question(props: { check: TriageView; question: QuestionView }) {
  const t = useWords();
  const { check, question } = props;
  const answer = useAnswer();
  const back = useBack();
  const give: Give = (value) => answer.run(check.id, question.id, value);
  const failure = answer.failure ?? back.failure;
  return (
    <Screen
      id="question"
      title={<span data-testid="question-text">{question.text}</span>}
      sub={question.kind === "multi" ? t("check.tapAll") : undefined}
      above={<Progress check={check} />}
    >
      {failure && <Trouble error={failure} />}
      <Answers question={question} give={give} busy={answer.pending} onBack={() => back.run(check.id)} first={check.answered === 0} />
    </Screen>
  );
}

/** What a check usually takes at most; measured over the complaints of the pack. */
const USUAL = 12;
/** From here on the most that can come is said, which is small enough to be of use. */
const FEW = 3;

/** How far. The most that could ever come is many times what does come: near the end alone it is said. */
function Progress(props: { check: TriageView }) {
  const t = useWords();
  const { answered, at_most } = props.check;
  const left = at_most <= FEW ? at_most : Math.min(at_most, Math.max(USUAL - answered, FEW));
  const words = () => {
    if (at_most <= 1) return t("check.last");
    if (at_most <= FEW) return t("check.few", { count: at_most });
    return answered < USUAL ? t("check.usual") : t("check.more");
  };
  return (
    <>
      <progress className="progress" value={answered} max={Math.max(answered + left, 1)} aria-hidden="true" />
      <p className="soft" data-testid="check-progress">{words()}</p>
    </>
  );
}

type Kind = { question: QuestionView; give: Give; busy: boolean; onBack: () => void; first: boolean };

function Answers(props: Kind): ReactNode {
  switch (props.question.kind) {
    case "multi":
      return <Multi {...props} />;
    case "number":
      return <NumberAnswer {...props} />;
    case "boolean":
      return (
        <OneAnswer
          {...props}
          options={[{ code: "true", words: "check.yes" }, { code: "false", words: "check.no" }]}
          valueOf={(code) => ({ kind: "boolean", value: code === "true" })}
        />
      );
    default:
      return <OneAnswer {...props} valueOf={(code) => ({ kind: "choice", value: code })} />;
  }
}

function OneAnswer(
  props: Kind & { options?: { code: string; words: "check.yes" | "check.no" }[]; valueOf: (code: string) => AnswerForm },
) {
  const t = useWords();
  const { question } = props;
  const options = props.options?.map(({ code, words }) => ({ code, text: t(words) })) ?? question.options;
  return (
    <>
      <div className="tiles tiles--list">
        {options.map(({ code, text }) => (
          <Tile key={code} id={`answer-${code}`} chosen={question.answer.includes(code)} onPress={() => props.give(props.valueOf(code))}>
            {text}
          </Tile>
        ))}
        <Unsure {...props} />
      </div>
      <Why question={question} />
      <Dock {...props} />
    </>
  );
}

function Multi(props: Kind) {
  const t = useWords();
  const { question } = props;
  const [codes, setCodes] = useState<string[]>(question.answer);
  const [none, setNone] = useState(false);
  const [missing, setMissing] = useState(false);
  const next = () => {
    if (codes.length === 0 && !none) return setMissing(true);
    props.give({ kind: "multi", value: codes });
  };
  return (
    <>
      {missing && <p className="field__error" role="alert">{t("check.pickOne")}</p>}
      <div className="tiles tiles--list">
        {question.options.map(({ code, text }) => (
          <CheckTile
            key={code}
            id={`answer-${code}`}
            name={code}
            checked={codes.includes(code)}
            onChange={(on) => {
              setMissing(false);
              setNone(false);
              setCodes(on ? [...codes, code] : codes.filter((other) => other !== code));
            }}
          >
            {text}
          </CheckTile>
        ))}
        <CheckTile
          id="answer-none"
          name="none"
          checked={none}
          onChange={(on) => {
            setMissing(false);
            setNone(on);
            if (on) setCodes([]);
          }}
        >
          {t("check.none")}
        </CheckTile>
        <Unsure {...props} />
      </div>
      <Why question={question} />
      <Dock {...props} next={next} />
    </>
  );
}

function NumberAnswer(props: Kind) {
  const t = useWords();
  const { question } = props;
  const units = question.units ?? [];
  const [typed, setTyped] = useState(question.answer[0] ?? "");
  // An earlier answer is kept in the question's own unit, the first one.
  const [unit, setUnit] = useState(units[0]?.code ?? "");
  const [wrong, setWrong] = useState<"missing" | "odd" | null>(null);
  const shown = units.find(({ code }) => code === unit);
  const { min, max } = { min: shown?.min ?? -Infinity, max: shown?.max ?? Infinity };
  const sign = shown?.sign ?? question.unit;
  const next = () => {
    const value = Number(typed.replace(",", "."));
    if (typed.trim() === "" || Number.isNaN(value)) return setWrong("missing");
    if (shown && (value < min || value > max)) return setWrong("odd");
    props.give(shown ? { kind: "reading", value: { value, unit } } : { kind: "number", value });
  };
  const errors = {
    missing: t(units.length > 0 ? "check.reading" : "check.number"),
    odd: shown && t("check.odd", { unit: shown.sign, min, max }),
  };
  return (
    <>
      {units.length > 1 && (
        <Choice
          name="unit"
          title={t("check.unit")}
          options={units.map(({ code }) => code)}
          chosen={unit}
          words={(code) => units.find((other) => other.code === code)?.sign}
          onChoose={(code) => {
            setWrong(null);
            setUnit(code);
          }}
        />
      )}
      <Field
        id="answer-number"
        inputMode="decimal"
        label={sign ? t("check.numberIn", { unit: sign }) : question.text}
        error={wrong ? errors[wrong] : undefined}
        value={typed}
        onChange={(value) => {
          setWrong(null);
          setTyped(value);
        }}
        onEnter={next}
      />
      <Unsure {...props} measured={units.length > 0} />
      <Why question={question} />
      <Dock {...props} next={next} />
    </>
  );
}

/** Open is not "no": what nobody measured is not normal. */
function Unsure(props: { give: Give; measured?: boolean }) {
  const t = useWords();
  return (
    <Tile id="answer-unknown" icon="help" onPress={() => props.give({ kind: "unknown" })}>
      {t(props.measured ? "check.notMeasured" : "check.unsure")}
    </Tile>
  );
}

function Why(props: { question: QuestionView }) {
  const t = useWords();
  const { why } = props.question;
  if (!why) return null;
  return (
    <details className="why">
      <summary data-testid="why">{t("check.why")}</summary>
      <p>{why}</p>
    </details>
  );
}

function Dock(props: { first: boolean; onBack: () => void; next?: () => void; busy: boolean }) {
  const t = useWords();
  return (
    <div className="dock">
      <Button id="back" icon="back" onPress={() => (props.first ? history.back() : props.onBack())}>{t("action.back")}</Button>
      {props.next && <Button id="next" look="primary" busy={props.busy} onPress={props.next}>{t("action.next")}</Button>}
    </div>
  );
}
