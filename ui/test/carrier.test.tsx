import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { QueryClientProvider } from "@tanstack/react-query";
import { clearMocks } from "@tauri-apps/api/mocks";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Page } from "../src/base/Page";
import { newQueryClient } from "../src/base/query";
import { CarrierApp } from "../src/features/CarrierApp";
import { playTape, type Tape } from "../src/ipc/fake";
import { commands } from "../src/ipc/transport";
import type { ReportView, SignInView } from "../src/ipc/bindings";
import { carrierWords } from "../src/words/carrier";
import { answerIn, failuresIn } from "./recorded";
import { walkOf } from "./walk";
import busy from "../src/ipc/recorded/busy.json";
import fresh from "../src/ipc/recorded/fresh.json";
import locked from "../src/ipc/recorded/locked.json";
import needsPin from "../src/ipc/recorded/needs_pin.json";
import open from "../src/ipc/recorded/open.json";
import trouble from "../src/ipc/recorded/trouble.json";
import visit from "../src/ipc/recorded/visit.json";
import visitLost from "../src/ipc/recorded/visit_lost.json";

const user = userEvent.setup();
const press = async (...ids: string[]) => {
  for (const id of ids) await user.click(await screen.findByTestId(id));
};

function show(tape: Tape, hash = "", language = "en") {
  location.hash = hash;
  playTape(tape, { language, theme: "light" });
  return render(
    <QueryClientProvider client={newQueryClient()}>
      <Page catalogues={carrierWords}><CarrierApp /></Page>
    </QueryClientProvider>,
  );
}

/** Pictures come by a socket, which this test's page does not have: it stays silent. */
class SilentSocket {
  close() {}
}
beforeEach(() => {
  vi.stubGlobal("WebSocket", SilentSocket);
  location.hash = "";
});
afterEach(() => {
  cleanup();
  clearMocks();
  vi.unstubAllGlobals();
});

describe("a phone that nobody has signed in on", () => {
  it("signs in by the browser, or by a code on another device", async () => {
    const code = answerIn<SignInView>(fresh, "sign_in_start", { deviceCode: true }).user_code;
    show(fresh as Tape);
    await press("sign-in-start");
    expect((await screen.findByTestId("sign-in-url")).getAttribute("href")).toContain("/oauth/authorize");
    await press("sign-in-code");
    expect((await screen.findByTestId("sign-in-user-code")).textContent).toBe(code);
  });

  it("takes a report, sealed until someone signs in", async () => {
    show(fresh as Tape);
    await press("home-hurt", "safe-safe", "what-animal", "map-hand-left", "next", "next", "next");
    expect((await screen.findByTestId("send-state")).textContent).toBe("Waiting to send. It goes by itself, locked or not.");
  });
});

describe("a PIN", () => {
  it("is typed twice, and a difference is said", async () => {
    show(needsPin as Tape);
    await press("pin-1", "pin-give", "pin-2", "pin-give");
    expect((await screen.findByTestId("pin-differs")).textContent).toContain("not the same");
  });

  it("that is too easy is refused in words", async () => {
    show(needsPin as Tape);
    const easy = ["pin-1", "pin-2", "pin-3", "pin-4", "pin-give"];
    await press(...easy, ...easy);
    expect((await screen.findByTestId("trouble")).textContent).toContain("too easy to guess");
  });

  it("says how many tries are left", async () => {
    show(locked as Tape);
    await press("pin-0", "pin-give");
    expect((await screen.findByTestId("pin-state")).textContent).toBe("Wrong PIN. 4 tries left.");
  });

  it("that is forgotten leads to a sign-in", async () => {
    show(locked as Tape);
    await press("forgot-pin");
    expect(await screen.findByTestId("sign-in-url")).toBeTruthy();
  });
});

describe("a report", () => {
  it("lists what is missing when it is sent too early, and the button is never disabled", async () => {
    show(busy as Tape, "#/report/check");
    const send = await screen.findByTestId("next");
    expect(send.hasAttribute("disabled")).toBe(false);
    await user.click(send);
    expect((await screen.findByTestId("missing-where")).getAttribute("href")).toBe("#/report/where");
  });

  it("marks left and right as both, on the map and on the list alike", async () => {
    show(open as Tape);
    await press("home-hurt", "safe-safe", "what-animal", "map-knee-left", "map-knee-right", "view-list");
    expect(screen.getByTestId("marked").textContent).toBe("Marked: Both sides: knee");
    expect(screen.getByTestId("list-knee-left").getAttribute("aria-pressed")).toBe("true");
    await press("list-knee-left");
    expect(screen.getByTestId("marked").textContent).toBe("Marked: Right knee");
  });

  it("shows the 911 card first where the person is not safe", async () => {
    show(open as Tape);
    await press("home-hurt", "safe-not_safe");
    expect(await screen.findByTestId("emergency-call")).toBeTruthy();
    expect(screen.getByTestId("screen-emergency").textContent).toContain("Get to a safe place first");
  });

  it("says in its own words how far each is", async () => {
    const of = (name: string) => answerIn<ReportView>(busy, "report", { id: `report-${name}` });
    show(busy as Tape, "#/reports");
    await screen.findByTestId("report-report-seen");
    const states = ["sending", "sent", "seen", "attention", "conflict"].map((name) => screen.getByTestId(`send-report-${name}`).textContent);
    const { send } = of("sent");
    expect(states).toEqual([
      "Sending 1 of 2",
      expect.stringMatching(new RegExp(`^Sent .*\\. Number ${send.state === "sent" ? send.number : "?"}\\.$`)),
      expect.stringMatching(/^A clinician read it: /),
      "We need one thing from you.",
      "Two versions. Yours and the office's.",
    ]);
  });

  it("that waits says so, with no network and with the phone locked", async () => {
    show(open as Tape);
    await press("home-hurt", "safe-safe", "what-animal", "map-hand-left", "next", "next", "next");
    expect((await screen.findByTestId("send-state")).textContent).toBe("Waiting to send. You can put your phone away.");
  });

  it("that the server refused asks in words, never with the path of an element", async () => {
    show(busy as Tape, "#/reports/report-attention");
    const asked = (await screen.findByTestId("needed")).textContent ?? "";
    expect(asked).not.toMatch(/QuestionnaireResponse|item\[/);
    expect(screen.getByTestId("needed-phone")).toBeTruthy();
  });

  it("names who has read it, and takes 'it got worse' in one tap", async () => {
    show(busy as Tape, "#/reports/report-seen");
    expect(within(await screen.findByTestId("readers")).getByText(/Ada Okafor, Clinician/)).toBeTruthy();
    await press("add-worse");
    expect((await screen.findByTestId("worse-check")).getAttribute("href")).toBe("#/check/of/report-seen");
  });
});

describe("the symptom check", () => {
  const START = ["complaint-animal_bite"];

  it("goes on by itself, says calmly how long it is, and keeps answers when going back", async () => {
    show(open as Tape, "#/check");
    await press(...START);
    expect((await screen.findByTestId("check-progress")).textContent).toBe("Usually 5 to 12 short questions.");
    const { press: before, step } = walkOf(open).to("choice");
    const [chosen = ""] = step.press;
    await press(...before.slice(START.length), chosen);
    await waitFor(() => expect(screen.queryByTestId(chosen)).toBeNull());
    await press("back");
    expect((await screen.findByTestId(chosen)).getAttribute("aria-pressed")).toBe("true");
    expect(screen.getByTestId("question-text").textContent).toBe(step.question.text);
  });

  it("asks again where nothing is ticked, and 'None of these' unticks the rest", async () => {
    show(open as Tape, "#/check");
    await press(...START, "next");
    expect((await screen.findByRole("alert")).textContent).toContain("None of these");
    await press("answer-breath", "answer-none");
    expect(within(screen.getByTestId("answer-breath")).getByRole<HTMLInputElement>("checkbox").checked).toBe(false);
  });

  it("puts 911 on an emergency result, and the label on every result", async () => {
    show(open as Tape, "#/check");
    await press(...START, "answer-breath", "next");
    expect((await screen.findByTestId("result-911")).getAttribute("href")).toBe("tel:911");
    expect(screen.getByTestId("pack-status").textContent).toBe("Draft, unsigned. Not cleared as a device. It does not replace 911.");
  });
});

describe("trouble", () => {
  it("is said in words with a way out: link, clock, store, keychain, demonstration", async () => {
    show(trouble as Tape);
    for (const id of ["notice-network", "notice-clock", "notice-storage", "notice-vault", "notice-demo"]) expect(await screen.findByTestId(id)).toBeTruthy();
    expect(screen.getByTestId("notice-clock").textContent).toBe("This phone's date is wrong. Your report saves with both times.");
  });

  it("in a list names the cause, the next step, a phone and a number for support", async () => {
    show(trouble as Tape, "#/outbox");
    const words = (await screen.findByTestId("trouble")).textContent;
    expect(words).toContain("Something went wrong in the app.");
    expect(words).toContain(failuresIn(trouble, "outbox")[0]);
    expect(screen.getByTestId("trouble-phone").getAttribute("href")).toBe("tel:18005550142");
    expect(screen.getByTestId("try-again")).toBeTruthy();
  });

  it("of a device that cannot call shows the number to dial by hand", async () => {
    show(trouble as Tape);
    await press("emergency", "emergency-call");
    expect(await screen.findByText("This device cannot call. Dial 911 on any phone.")).toBeTruthy();
  });
});

describe("a visit", () => {
  it("offers to record a message where the line is lost, and says what became of it", async () => {
    const tape = structuredClone(visitLost) as Tape;
    const seen = (data: object) => {
      for (const entry of tape.calls) if ("command" in entry && entry.command === "visit") Object.assign(entry.data as object, data);
    };
    const [begin, end] = [vi.spyOn(commands, "visitNoteBegin"), vi.spyOn(commands, "visitNoteEnd")];
    const shown = show(tape, "#/visit");
    await press("note-begin");
    expect(begin).toHaveBeenCalled();
    shown.unmount();

    seen({ note_seconds: 7 });
    const speaking = show(tape, "#/visit");
    expect((await screen.findByTestId("note-seconds")).textContent).toContain("7");
    await press("note-keep");
    expect(end).toHaveBeenLastCalledWith(true);
    await press("note-drop");
    expect(end).toHaveBeenLastCalledWith(false);
    speaking.unmount();

    seen({ note_seconds: null, notes_kept: 2 });
    show(tape, "#/visit");
    expect((await screen.findByTestId("notes-kept")).textContent).toContain("2 messages");
  });

  it("rings, is answered, says that the cameras are synthetic, and is muted", async () => {
    show(visit as Tape);
    await press("visit-accept");
    expect((await screen.findByTestId("synthetic")).textContent).toBe("Test picture or sound. A device is missing here.");
    expect(screen.getByTestId("remote-picture-label").textContent).toBe("Test picture or sound. A device is missing there.");
    await press("visit-mute");
    expect(await screen.findByTestId("muted")).toBeTruthy();
  });

  it("shows its code to who asks for it, and what the other side types, not letter by letter to a screen reader", async () => {
    show(visit as Tape);
    await press("visit-accept");
    expect(screen.queryByTestId("code-digits")).toBeNull();
    await press("check-code");
    expect((await screen.findByTestId("code-digits")).textContent).toMatch(/^\d{3} \d{3}$/);
    expect(screen.getByTestId("code-shown").textContent).toContain("Read these six digits to each other.");
    const typing = vi.spyOn(commands, "visitTyping");
    fireEvent.change(screen.getByTestId("visit-text"), { target: { value: "The d" } });
    expect(typing).toHaveBeenLastCalledWith("The d");
    expect(screen.getByTestId("visit-texts").textContent).not.toContain("The d");
  });

  it("warns where the code's check failed, and shows no digits where there is no code", async () => {
    for (const [code, id, words] of [
      [{ state: "failed" }, "code-failed", "Someone may be listening to this call."],
      [{ state: "none" }, "code-none", "This call has no code."],
      [{ state: "waiting" }, "code-none", "The code is being made."],
    ] as const) {
      const tape = structuredClone(visitLost) as Tape;
      for (const entry of tape.calls) {
        if ("command" in entry && entry.command === "visit") Object.assign(entry.data as object, { code, peer_typing: "Can you h" });
      }
      const shown = show(tape, "#/visit");
      const typed = await screen.findByTestId("peer-typing");
      expect(typed.textContent).toContain("Can you h");
      expect(typed.closest("[aria-live]")?.getAttribute("aria-live")).toBe("off");
      if (code.state !== "failed") await press("check-code");
      expect((await screen.findByTestId(id)).textContent).toContain(words);
      expect(screen.queryByTestId("code-digits")).toBeNull();
      shown.unmount();
    }
  });

  it("that lost its way says so, and ends when it is left", async () => {
    show(visitLost as Tape, "#/visit");
    expect((await screen.findByTestId("call-quality")).textContent).toContain("Connection lost");
    // Nobody is told that they can talk.
    expect(screen.getByText("No picture while the connection is lost.")).toBeTruthy();
    await press("visit-leave");
    expect((await screen.findByTestId("ended-why")).textContent).toBe("The visit ended.");
  });
});

describe("Spanish", () => {
  it("is chosen in the settings, on a locked phone too", async () => {
    show(locked as Tape, "#/settings");
    await press("language-es");
    await waitFor(() => expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("Ajustes"));
    expect(screen.getByTestId("emergency").textContent).toBe("Llamar al 911");
    expect(document.documentElement.lang).toBe("es");
  });
});
