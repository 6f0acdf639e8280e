import type { ReactNode } from "react";
import { Button, LinkButton } from "../../base/components/Button";
import { Screen, Steps } from "../../base/components/Screen";
import type { DraftView } from "../../ipc/bindings";
import { useWords } from "../words";

const STEPS = ["safe", "what", "where", "when", "check"] as const;
export type StepName = (typeof STEPS)[number];

/** The frame of a step: progress, question, answers, and the way back and on. */
export function StepScreen(props: {
  step: StepName;
  draft: DraftView;
  title: string;
  sub?: string;
  next?: { words: string; onPress: () => void; busy?: boolean };
  children: ReactNode;
}) {
  const t = useWords();
  const index = STEPS.indexOf(props.step);
  const before = STEPS[index - 1];
  const { colleague } = props.draft;
  return (
    <Screen
      id={`report-${props.step}`}
      title={props.title}
      sub={props.sub}
      above={
        <>
          <Steps done={index + 1} of={STEPS.length} label={t("report.steps", { number: index + 1, of: STEPS.length })} />
          {colleague && <p className="strong">{t("report.for", { name: colleague })}</p>}
        </>
      }
    >
      {props.children}
      <div className="dock">
        <LinkButton id="back" href={before ? `#/report/${before}` : "#/"} icon="back">{t("action.back")}</LinkButton>
        {props.next && (
          <Button id="next" look="primary" busy={props.next.busy} onPress={props.next.onPress}>{props.next.words}</Button>
        )}
      </div>
    </Screen>
  );
}
