// The seven send states: each with its own words and its own shape, in both languages.

import { cleanup, render, screen } from "@testing-library/react";
import { QueryClientProvider } from "@tanstack/react-query";
import { clearMocks } from "@tauri-apps/api/mocks";
import { afterEach, describe, expect, it } from "vitest";
import { SendLine } from "../src/base/components/SendLine";
import { Page } from "../src/base/Page";
import { newQueryClient } from "../src/base/query";
import { playTape, type Tape } from "../src/ipc/fake";
import type { SendState } from "../src/ipc/bindings";
import { carrierWords } from "../src/words/carrier";
import openTape from "../src/ipc/recorded/open.json";

const STATES: SendState[] = [
  { state: "draft" },
  { state: "queued", tried_at: null, next_at: null, sealed: false, waits_for_free_link: false },
  { state: "sending", number: 1, of: 3 },
  { state: "sent", number: "HMS-4821", at: Date.UTC(2026, 10, 21, 17, 5) },
  { state: "seen", number: "HMS-4821", by_role: "nurse", by_name: "Nora", at: Date.UTC(2026, 10, 21, 17, 20) },
  { state: "attention", question: "where" },
  { state: "conflict" },
];

afterEach(() => {
  cleanup();
  clearMocks();
});

describe.each(["en", "es"])("in %s", (language) => {
  it("each state has words and a shape of its own", async () => {
    playTape(openTape as Tape, { language, theme: "light" });
    render(
      <QueryClientProvider client={newQueryClient()}>
        <Page catalogues={carrierWords}>
          {STATES.map((send) => <SendLine key={send.state} id={send.state} send={send} />)}
        </Page>
      </QueryClientProvider>,
    );
    const lines = await Promise.all(STATES.map(({ state }) => screen.findByTestId(state)));
    const words = lines.map((line) => line.textContent ?? "");
    const shapes = lines.map((line) => line.querySelector("svg")?.innerHTML);
    expect(new Set(words).size).toBe(STATES.length);
    expect(words.filter((text) => text.trim() === "" || /send\.\w/.test(text))).toEqual([]);
    expect(new Set(shapes).size).toBe(STATES.length);
  });
});
