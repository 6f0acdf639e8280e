// Two versions of one record: what differs is said in words, and nothing happens without a second press.

import { cleanup, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { QueryClientProvider } from "@tanstack/react-query";
import { clearMocks } from "@tauri-apps/api/mocks";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Page } from "../src/base/Page";
import { newQueryClient } from "../src/base/query";
import { CarrierApp } from "../src/features/CarrierApp";
import { StaffApp } from "../src/features/staff/StaffApp";
import { TwoVersions } from "../src/features/versions/TwoVersions";
import { runsOf } from "../src/features/versions/parts";
import type { ConflictView } from "../src/ipc/bindings";
import { playTape, type Tape } from "../src/ipc/fake";
import { commands } from "../src/ipc/transport";
import { carrierWords } from "../src/words/carrier";
import { staffWords } from "../src/words/staff";
import { answerIn } from "./recorded";
import busy from "../src/ipc/recorded/busy.json";
import staffVersions from "../src/ipc/recorded/staff_versions.json";

const user = userEvent.setup();
const press = async (...ids: string[]) => {
  for (const id of ids) await user.click(await screen.findByTestId(id));
};

function show(tape: unknown, window: "carrier" | "staff", hash = "", language = "en") {
  location.hash = hash;
  playTape(tape as Tape, { language, theme: "light" });
  render(
    <QueryClientProvider client={newQueryClient()}>
      <Page catalogues={window === "carrier" ? carrierWords : staffWords}>{window === "carrier" ? <CarrierApp /> : <StaffApp />}</Page>
    </QueryClientProvider>,
  );
}

beforeEach(() => vi.stubGlobal("WebSocket", class { close() {} }));
afterEach(() => {
  cleanup();
  clearMocks();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe("two versions of a report", () => {
  it("are reached from the copy and from what waits to be sent", async () => {
    show(busy, "carrier", "#/outbox");
    await press("versions-report-conflict");
    expect(location.hash).toBe("#/versions/report-conflict");
    expect(await screen.findByTestId("screen-versions")).toBeTruthy();
    location.hash = "#/reports/report-conflict";
    expect((await screen.findByTestId("copy-versions")).getAttribute("href")).toBe("#/versions/report-conflict");
  });

  it("say in words what differs, and show what is the same once", async () => {
    show(busy, "carrier", "#/versions/report-conflict");
    expect((await screen.findByTestId("versions-differ")).textContent).toMatch(/^3 things differ: what happened, where it hurts,? and own words\.$/);
    expect(screen.getByTestId("mine-what").textContent).toBe("What happened DiffersCut or crush");
    expect(screen.getByTestId("theirs-what").textContent).toBe("What happened DiffersSlip, trip or fall");
    expect(screen.queryByTestId("mine-safe")).toBeNull();
    expect(screen.getByText("Same in both")).toBeTruthy();
  });

  it("tell what happens to the other one before it does, and may be left", async () => {
    const settle = vi.spyOn(commands, "conflictSettle");
    show(busy, "carrier", "#/versions/report-conflict");
    await press("keep-theirs");
    const sure = await screen.findByTestId("sure-theirs");
    expect(sure.textContent).toContain("Yours is not sent.");
    expect(document.activeElement).toBe(within(sure).getByRole("heading"));
    await press("keep-not-yet", "keep-mine");
    expect((await screen.findByTestId("sure-mine")).textContent).toContain("takes the place of theirs");
    expect(settle).not.toHaveBeenCalled();
    await press("keep-yes");
    expect((await screen.findByTestId("versions-settled")).textContent).toBe("Settled. Your version will be sent.");
    expect(settle).toHaveBeenCalledWith(answerIn<ConflictView[]>(busy, "conflicts")[0]?.id, "mine");
  });

  it("that were settled elsewhere say that nothing is left", async () => {
    show(busy, "carrier", "#/versions/another");
    expect((await screen.findByTestId("versions-none")).textContent).toContain("There is nothing to settle.");
  });

  it("are said in Spanish", async () => {
    show(busy, "carrier", "#/versions/report-conflict", "es");
    expect((await screen.findByTestId("keep-mine")).textContent).toBe("Dejar la mía");
  });
});

describe("two versions of a note", () => {
  it("are said above the work, compared side by side, and settled by the keyboard alone", async () => {
    const settle = vi.spyOn(commands, "conflictSettle");
    show(staffVersions, "staff");
    expect((await screen.findByTestId("notice-versions")).textContent).toContain("1 entry has two versions. Nothing is lost.");
    screen.getByTestId("versions-open").focus();
    await user.keyboard("{Enter}");
    const [mine, theirs] = [await screen.findByTestId("mine-words"), screen.getByTestId("theirs-words")];
    expect([...mine.querySelectorAll("mark")].map((mark) => mark.textContent?.trim())).toEqual(["Red and warm."]);
    expect([...theirs.querySelectorAll("mark")].map((mark) => mark.textContent?.trim())).toEqual(["Clean, not red."]);
    screen.getByTestId("keep-theirs").focus();
    await user.keyboard("{Enter}");
    await user.tab();
    await user.tab();
    await user.keyboard("{Enter}");
    expect((await screen.findByTestId("versions-settled")).textContent).toBe("Settled. The version on our server stays.");
    expect(settle).toHaveBeenCalledWith("Composition/note-1", "theirs");
    await press("versions-close");
    expect(screen.queryByTestId("notice-versions")).toBeNull();
  });
});

describe("one version that was deleted", () => {
  const conflict: ConflictView = {
    id: "Appointment/a", kind: "appointment", found_at: 1_795_000_000_000, elements: ["deleted"], mine: null,
    theirs: { changed_at: null, status: "booked", starts_at: 1_795_100_000_000, words: null, said: null },
  };

  it("is said, and keeping it says that the other is deleted too", async () => {
    playTape(busy as Tape, { language: "en", theme: "light" });
    render(
      <QueryClientProvider client={newQueryClient()}>
        <Page catalogues={carrierWords}><TwoVersions conflict={conflict} helpPhone="1" onSettled={() => {}} /></Page>
      </QueryClientProvider>,
    );
    expect((await screen.findByTestId("version-mine")).textContent).toContain("It was deleted on this device.");
    expect(screen.getByTestId("theirs-status").textContent).toContain("Booked");
    await press("keep-mine");
    expect(screen.getByTestId("sure-mine").textContent).toContain("It is then deleted on our server too.");
  });
});

describe("words that only one version has", () => {
  const own = (a: string, b: string) => runsOf(a, b).filter((run) => run.own).map((run) => run.text.trim());

  it("are found word by word, whatever stands around them", () => {
    expect(own("Two punctures, red.", "Two punctures, clean.")).toEqual(["red."]);
    expect(own("a b c d", "b c d")).toEqual(["a"]);
    expect(own("same words", "same words")).toEqual([]);
    expect(own("all new", "")).toEqual(["all new"]);
  });

  it("give the text back whole", () => {
    const text = "Two  punctures,\nred and warm.";
    expect(runsOf(text, "Two punctures, red.").map((run) => run.text).join("")).toBe(text);
  });
});
