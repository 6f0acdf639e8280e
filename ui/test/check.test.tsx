// Screens of the symptom check that depend on what a tape cannot hold: units of a meter, and the time that passes.

import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { QueryClientProvider } from "@tanstack/react-query";
import { clearMocks, mockIPC } from "@tauri-apps/api/mocks";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Page } from "../src/base/Page";
import { newQueryClient } from "../src/base/query";
import { Question } from "../src/features/check/Question";
import { Recheck } from "../src/features/check/Recheck";
import type { QuestionView, RecheckView, TriageView } from "../src/ipc/bindings";
import openTape from "../src/ipc/recorded/open.json";
import { carrierWords } from "../src/words/carrier";

type Given = { command: string; args: unknown };
let given: Given[] = [];
let language = "en";

const app = openTape.calls.find((call) => call.command === "app_state")?.data as object;

beforeEach(() => {
  given = [];
  language = "en";
  mockIPC((command, args) => {
    given.push({ command, args });
    return command === "app_state" ? { ...app, language } : null;
  });
});

afterEach(() => {
  cleanup();
  clearMocks();
});

const TEMPERATURE: QuestionView = {
  id: "heat.temp", text: "What is the body heat?", kind: "number", options: [], unit: "°F", why: "A high number means 911.", answer: [],
  units: [{ code: "[degF]", sign: "°F", min: 75, max: 115 }, { code: "Cel", sign: "°C", min: 24, max: 46 }],
};
const CHECK: TriageView = { id: "check-1", question: TEMPERATURE, outcome: null, answered: 3, at_most: 9, pack_status: "draft" };

function show(what: React.ReactNode) {
  render(<QueryClientProvider client={newQueryClient()}><Page catalogues={carrierWords}>{what}</Page></QueryClientProvider>);
}

const answers = () => given.filter(({ command }) => command === "triage_answer").map(({ args }) => (args as { answer: unknown }).answer);

describe("A reading", () => {
  beforeEach(() => show(<Question check={CHECK} question={TEMPERATURE} />));

  it("goes with the unit that the meter shows, and a comma is a point", async () => {
    fireEvent.click((await screen.findByTestId("unit-Cel")).querySelector("input")!);
    fireEvent.change(screen.getByTestId("answer-number"), { target: { value: "39,4" } });
    fireEvent.click(screen.getByTestId("next"));
    await waitFor(() => expect(answers()).toEqual([{ kind: "reading", value: { value: 39.4, unit: "Cel" } }]));
  });

  it("that no living person has is asked about, and not sent", async () => {
    fireEvent.change(await screen.findByTestId("answer-number"), { target: { value: "39.4" } });
    fireEvent.click(screen.getByTestId("next"));
    expect(screen.getByText(/°F should be 75 to 115/)).toBeTruthy();
    expect(answers()).toEqual([]);
    fireEvent.click(screen.getByTestId("unit-Cel").querySelector("input")!);
    fireEvent.click(screen.getByTestId("next"));
    await waitFor(() => expect(answers()).toHaveLength(1));
  });

  it("that nobody took is not measured, which is not normal", async () => {
    const tile = await screen.findByTestId("answer-unknown");
    expect(tile.textContent).toContain("Not measured");
    fireEvent.click(tile);
    await waitFor(() => expect(answers()).toEqual([{ kind: "unknown" }]));
  });
});

const RECHECK: RecheckView = {
  check: "check-1", urgency: "today", at: Date.UTC(2026, 10, 22, 15), due_at: Date.UTC(2026, 10, 22, 17), due: true,
};

describe.each(["en", "es"])("Looking back, in %s", (code) => {
  it("asks how they are once it is time, and says the answer", async () => {
    language = code;
    show(<Recheck recheck={RECHECK} />);
    fireEvent.click(await screen.findByTestId("recheck-worse"));
    await waitFor(() => expect(given).toContainEqual({ command: "triage_recheck", args: { check: "check-1", how: "worse" } }));
    expect(screen.getByRole("heading").textContent).not.toMatch(/recheck\./);
  });

  it("says before when it will ask", async () => {
    language = code;
    show(<Recheck recheck={{ ...RECHECK, due: false }} />);
    expect((await screen.findByTestId("recheck-later")).textContent).toMatch(/\d/);
    expect(screen.queryByTestId("recheck-worse")).toBeNull();
  });
});
