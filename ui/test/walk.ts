// What is pressed in the symptom check that a tape holds. The rules and their order are the pack's: a test that
// names a question by its place would fail with every new rule.

import type { QuestionView, TriageView } from "../src/ipc/bindings";
import type { Tape } from "../src/ipc/fake";

type Answer = { kind: string; value?: unknown };
type Step = { question: QuestionView; press: string[] };

/** One check on a tape, from the complaint to the result: each question, and what is pressed there. */
export type Walk = {
  /** The first question of a kind, and what is pressed from the complaints to it. */
  to: (kind: QuestionView["kind"]) => { press: string[]; step: Step };
  /** What is pressed from the complaints to the result. */
  whole: string[];
};

/** The check that was started by its complaint. */
export function walkOf(tape: unknown, complaint = "animal_bite"): Walk {
  const { calls } = tape as Tape;
  const starts = (call: (typeof calls)[number]) =>
    "command" in call && call.command === "triage_start" && (call.args as { complaint: string | null }).complaint === complaint;
  const steps: Step[] = [];
  let question: QuestionView | null = null;
  for (const call of calls.slice(calls.findIndex(starts))) {
    if (!("command" in call) || !call.command.startsWith("triage_")) continue;
    if (steps.length > 0 && !question && call.command !== "triage_back") break;
    if (call.command === "triage_back") steps.pop();
    if (call.command === "triage_answer" && question) {
      steps.push({ question, press: presses((call.args as { answer: Answer }).answer) });
    }
    question = (call.data as TriageView).question;
  }
  const start = [`complaint-${complaint}`];
  return {
    to: (kind) => {
      const at = steps.findIndex((step) => step.question.kind === kind);
      const step = steps[at];
      if (!step) throw new Error(`no ${kind} in this check`);
      return { press: [...start, ...steps.slice(0, at).flatMap(({ press }) => press)], step };
    },
    whole: [...start, ...steps.flatMap(({ press }) => press)],
  };
}

function presses(answer: Answer): string[] {
  switch (answer.kind) {
    case "multi": {
      const codes = answer.value as string[];
      return [...(codes.length > 0 ? codes : ["none"]).map((code) => `answer-${code}`), "next"];
    }
    case "choice":
    case "boolean":
      return [`answer-${String(answer.value)}`];
    default:
      // A number is typed: pressing says that it is not known.
      return ["answer-unknown"];
  }
}
