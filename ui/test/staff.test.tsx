import { act, cleanup, configure, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { QueryClientProvider } from "@tanstack/react-query";
import { clearMocks } from "@tauri-apps/api/mocks";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Page } from "../src/base/Page";
import { newQueryClient } from "../src/base/query";
import { columnsOf } from "../src/features/staff/columns";
import { StaffApp } from "../src/features/staff/StaffApp";
import { playTape, type Tape } from "../src/ipc/fake";
import { commands } from "../src/ipc/transport";
import type { ChartView, ManagerView, QueueView } from "../src/ipc/bindings";
import { staffWords } from "../src/words/staff";
import { answerIn, failuresIn } from "./recorded";
import locked from "../src/ipc/recorded/locked.json";
import manager from "../src/ipc/recorded/manager.json";
import office from "../src/ipc/recorded/office.json";
import staff from "../src/ipc/recorded/staff.json";
import away from "../src/ipc/recorded/staff_away.json";
import call from "../src/ipc/recorded/staff_call.json";
import empty from "../src/ipc/recorded/staff_empty.json";
import noteFails from "../src/ipc/recorded/staff_note_fails.json";
import others from "../src/ipc/recorded/staff_others.json";
import signed from "../src/ipc/recorded/staff_signed.json";
import stale from "../src/ipc/recorded/staff_stale.json";
import staleSome from "../src/ipc/recorded/staff_stale_some.json";
import taken from "../src/ipc/recorded/staff_taken.json";
import trouble from "../src/ipc/recorded/staff_trouble.json";
import unset from "../src/ipc/recorded/staff_unset.json";
import urgent from "../src/ipc/recorded/staff_urgent.json";

// A loaded machine may take longer than the usual second; every wait still ends with the state it waits for.
configure({ asyncUtilTimeout: 5000 });

const user = userEvent.setup();
const press = async (...ids: string[]) => {
  for (const id of ids) await user.click(await screen.findByTestId(id));
};
const CASE = "#/case/task-1";

function show(tape: Tape, hash = "", language = "en") {
  location.hash = hash;
  playTape(tape, { language, theme: "light" });
  return render(
    <QueryClientProvider client={newQueryClient()}>
      <Page catalogues={staffWords}><StaffApp /></Page>
    </QueryClientProvider>,
  );
}

/** Pictures come by a socket, which this test's page does not have: it stays silent. */
class SilentSocket {
  close() {}
}
beforeEach(() => vi.stubGlobal("WebSocket", SilentSocket));
afterEach(() => {
  cleanup();
  clearMocks();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe("the queue", () => {
  it("shows who waits, in the order given, with call-backs apart", async () => {
    const { items } = answerIn<QueueView>(staff, "queue");
    show(staff as Tape);
    const first = await screen.findByTestId("queue-item-0");
    expect(first.dataset["task"]).toBe("task-1");
    expect(first.textContent).toContain("Very urgent");
    expect(first.textContent).toContain("Dog or animal · Left hand");
    expect(within(await screen.findByTestId("call-backs")).getByTestId("queue-item-3").textContent).toContain(items[3]?.name);
    expect(screen.getByTestId("queue-title").textContent).toBe("3 wait");
  });

  it("that is empty says so, and when it was checked", async () => {
    show(empty as Tape);
    expect((await screen.findByTestId("queue-empty")).textContent).toContain("Nobody waits now.");
  });

  it("that is stale never looks empty", async () => {
    show(stale as Tape);
    expect((await screen.findByTestId("queue-stale")).textContent).toContain("Someone may wait now.");
    expect(screen.getByTestId("queue-title").textContent).toBe("Waiting: not known");
    expect(screen.queryByTestId("queue-empty")).toBeNull();
    expect(document.body.textContent).not.toMatch(/\b0 wait/);
  });

  it("that is stale keeps who was in it", async () => {
    show(staleSome as Tape);
    expect((await screen.findByTestId("queue-stale")).textContent).toContain("More people may wait.");
    expect(screen.getByTestId("queue-item-1").textContent).toContain(answerIn<QueueView>(staleSome, "queue").items[1]?.name);
  });

  it("says who was faster when a claim is refused", async () => {
    show(taken as Tape, CASE);
    await press("queue-claim");
    await waitFor(() => expect(screen.getByTestId("claim-taken").textContent).toMatch(/^Paul Coppermoor was faster and has this person now\.$/));
    expect(screen.queryByTestId("note-text")).toBeNull();
  });

  it("opens the next person with one key, and not while one types", async () => {
    show(call as Tape);
    await screen.findByTestId("queue-item-0");
    await user.keyboard("n");
    expect(location.hash).toBe("#/case/task-1");
    await user.type(await screen.findByTestId("note-text"), "n");
    expect(location.hash).toBe("#/case/task-1");
    await user.keyboard("{Alt>}n{/Alt}");
    expect(location.hash).toBe("#/case/task-3");
  });

  it("calls out an urgent case until somebody answers", async () => {
    show(urgent as Tape, CASE);
    await press("queue-release");
    expect((await screen.findByTestId("urgent-alert")).textContent).toContain(`Urgent case: ${answerIn<ChartView>(urgent, "chart", { task: "task-9" }).name}`);
    expect(document.title).toContain("Urgent");
    await press("urgent-take");
    await waitFor(() => expect(screen.queryByTestId("urgent-alert")).toBeNull());
    expect(location.hash).toBe("#/case/task-9");
  });
});

describe("the chart", () => {
  it("tells not asked from none known", async () => {
    show(unset as Tape, CASE);
    expect((await screen.findByTestId("allergies-not-asked")).textContent).toBe("Not asked yet");
    cleanup();
    show(others as Tape, CASE);
    expect((await screen.findByTestId("allergies-none")).textContent).toBe("Asked: none known");
  });

  it("puts what got worse on top, with its words", async () => {
    show(staff as Tape, CASE);
    expect((await screen.findByTestId("report-worse")).textContent).toContain("Two fingers are swelling");
  });

  it("of somebody else's person can be read and not written", async () => {
    show(others as Tape, CASE);
    expect((await screen.findByTestId("claim-owner")).textContent).toContain("Paul Coppermoor");
    expect(screen.getByTestId("note-locked")).toBeTruthy();
    for (const id of ["note-text", "advice-sign", "visit-call", "close-task"]) expect(screen.queryByTestId(id)).toBeNull();
  });

  it("and the other panels fail alone, each with its number", async () => {
    show(trouble as Tape, CASE);
    await waitFor(() => expect(screen.getAllByTestId("trouble")).toHaveLength(3));
    for (const command of ["queue", "chart", "visit"]) expect(document.body.textContent).toContain(failuresIn(trouble, command)[0]);
  });
});

describe("the note", () => {
  it("is kept 800 ms after the last key, once", async () => {
    const save = vi.spyOn(commands, "noteSave");
    show(staff as Tape, CASE);
    await press("queue-claim");
    const field = await screen.findByTestId("note-text");
    fireEvent.change(field, { target: { value: "Two" } });
    fireEvent.change(field, { target: { value: "Two punctures" } });
    expect(save).not.toHaveBeenCalled();
    expect(screen.getByTestId("note-state").textContent).toBe("Saving");
    await waitFor(() => expect(screen.getByTestId("note-state").textContent).toMatch(/^Saved /), { timeout: 3000 });
    expect(save).toHaveBeenCalledTimes(1);
    expect(save).toHaveBeenCalledWith("task-1", "Two punctures");
  });

  it("goes on being kept after the field was left with nothing new", async () => {
    const save = vi.spyOn(commands, "noteSave");
    show(call as Tape, CASE);
    const field = await screen.findByTestId("note-text");
    fireEvent.blur(field);
    await act(async () => {});
    fireEvent.change(field, { target: { value: "Typed later" } });
    fireEvent.blur(field);
    expect(save).toHaveBeenCalledTimes(1);
    expect(save).toHaveBeenCalledWith(expect.any(String), "Typed later");
  });

  it("is kept at once when the field is left, or the person", async () => {
    const save = vi.spyOn(commands, "noteSave");
    show(call as Tape, CASE);
    const field = await screen.findByTestId("note-text");
    fireEvent.change(field, { target: { value: "Left the field" } });
    fireEvent.blur(field);
    expect(save).toHaveBeenCalledTimes(1);
    fireEvent.change(field, { target: { value: "Left the person" } });
    act(() => {
      location.hash = "#/case/task-3";
    });
    await waitFor(() => expect(save).toHaveBeenLastCalledWith("task-1", "Left the person"));
  });

  it("that cannot be kept stays on the screen and says so", async () => {
    show(noteFails as Tape, CASE);
    const field = await screen.findByTestId("note-text");
    fireEvent.change(field, { target: { value: "any" } });
    fireEvent.blur(field);
    await waitFor(() => expect(screen.getByTestId("note-state").textContent).toBe("Not saved yet"));
    expect((field as HTMLTextAreaElement).value).toBe("any");
  });

  it("once signed can only be added to", async () => {
    show(signed as Tape, CASE);
    expect((await screen.findByTestId("note-signed")).textContent).toContain("It cannot be changed");
    expect(screen.getByTestId("note-readonly").textContent).toContain("Two punctures");
    expect(screen.queryByTestId("note-text")).toBeNull();
    expect(screen.getByTestId("note-addenda").textContent).toContain("swelling is less");
    expect(screen.getByTestId("note-addendum")).toBeTruthy();
  });

  it("is saved whole before it is signed", async () => {
    const order: string[] = [];
    const save = commands.noteSave;
    const sign = commands.noteSign;
    vi.spyOn(commands, "noteSave").mockImplementation((...args) => (order.push(`save ${args[1]}`), save(...args)));
    vi.spyOn(commands, "noteSign").mockImplementation((...args) => (order.push(`sign ${args[1]}`), sign(...args)));
    show(staff as Tape, CASE);
    await press("queue-claim");
    fireEvent.change(await screen.findByTestId("note-text"), { target: { value: "All of it" } });
    await press("note-sign");
    await screen.findByTestId("note-signed");
    expect(order).toEqual(["save All of it", "sign All of it"]);
  });
});

describe("fit for duty", () => {
  it("shows what the supervisor will read, and asks for a limit", async () => {
    show(call as Tape, CASE);
    await press("advice-status-restricted", "advice-sign");
    expect((await screen.findByTestId("advice-missing")).textContent).toContain("at least one limit");
    await press("advice-limit-no-left-hand-use", "advice-until-7");
    expect(screen.getByTestId("advice-preview").textContent).toContain("Do not use the left hand");
  });

  it("signs what the screen shows", async () => {
    const sign = vi.spyOn(commands, "adviceSign");
    show(call as Tape, CASE);
    await press("advice-status-restricted", "advice-limit-no-left-hand-use", "advice-until-7", "advice-sign");
    await waitFor(() => expect(sign).toHaveBeenCalled());
    expect(sign.mock.lastCall?.[1]).toMatchObject({ status: "restricted", limits: ["no-left-hand-use"] });
  });

  it("takes the limits off when the status has none", async () => {
    const save = vi.spyOn(commands, "adviceSave");
    show(call as Tape, CASE);
    await press("advice-status-restricted", "advice-limit-no-driving", "advice-status-not-fit", "advice-sign");
    expect(save.mock.lastCall?.[1]).toMatchObject({ status: "not-fit", limits: [] });
  });
});

describe("the visit", () => {
  it("takes the person and calls with one press", async () => {
    const claim = vi.spyOn(commands, "queueClaim");
    show(staff as Tape, CASE);
    await press("visit-call");
    expect(await screen.findByTestId("visit-remote")).toBeTruthy();
    expect(claim).toHaveBeenCalledWith("task-1");
    expect(screen.getByTestId("visit-remote-label").textContent).toBe("Test picture or sound. A device is missing there.");
    expect(screen.getByTestId("visit-self-label").textContent).toBe("Test device");
  });

  it("keeps the chart and the typed note when the call ends", async () => {
    show(call as Tape, CASE);
    fireEvent.change(await screen.findByTestId("note-text"), { target: { value: "typed in the call" } });
    await press("visit-leave");
    expect((await screen.findByTestId("call-ended")).textContent).toContain("Chart and note stay here.");
    expect((screen.getByTestId("note-text") as HTMLTextAreaElement).value).toBe("typed in the call");
  });

  it("offers the telephone and says that a call-back was made when nothing rings", async () => {
    show(away as Tape, CASE);
    expect((await screen.findByTestId("call-not-connected")).textContent).toContain("a call-back is on the list");
    expect(screen.getByTestId("call-phone").getAttribute("href")).toBe(`tel:${answerIn<ChartView>(away, "chart", { task: "task-1" }).phone?.replace(/[^+\d]/g, "")}`);
  });

  it("is left before the window is locked", async () => {
    const lock = vi.spyOn(commands, "lock");
    show(call as Tape, CASE);
    await screen.findByTestId("visit-remote");
    await press("lock");
    expect((await screen.findByTestId("lock-in-call")).textContent).toContain("Leave it first");
    expect(lock).not.toHaveBeenCalled();
  });

  it("sends 911 with the words to read out, whatever Rust answers", async () => {
    show(call as Tape, CASE);
    await press("send-911");
    expect(screen.getByTestId("send-911-place").textContent).toBe("RR 7, box 112");
    expect(screen.getByTestId("send-911-position").textContent).toBe("44.05000, -92.50000");
    expect(screen.getByTestId("send-911-call").getAttribute("href")).toBe("tel:911");
  });

  it("says in the chart that 911 was sent, and when", async () => {
    const at = Date.now();
    const sent = structuredClone(call) as unknown as Tape;
    for (const entry of sent.calls) {
      if ("command" in entry && (entry.command === "chart" || entry.command === "send_911")) Object.assign(entry.data as object, { sent_911_at: at });
    }
    show(sent, CASE);
    expect((await screen.findByTestId("send-911-sent")).textContent).toMatch(/^911 was sent there at .+\.$/);
  });

  it("opens with two identifiers", async () => {
    show(staff as Tape, CASE);
    await press("queue-claim", "intake-name", "intake-save");
    await waitFor(() => expect(screen.queryByTestId("intake-missing") ?? screen.queryByTestId("intake-saved")).toBeTruthy());
    expect(screen.getByTestId("intake-missing").textContent).toContain("Two things to know them by");
  });
});

describe("the columns", () => {
  it("become fewer for a narrow window and for large text alike", () => {
    expect(columnsOf(1440, 16)).toEqual({ columns: 3, split: true });
    expect(columnsOf(800, 16)).toEqual({ columns: 2, split: false });
    expect(columnsOf(1440, 32)).toEqual({ columns: 1, split: true });
    expect(columnsOf(800, 32)).toEqual({ columns: 1, split: false });
  });
});

describe("the other roles", () => {
  it("a supervisor decides as recommended with one press, and reads nothing clinical", async () => {
    const decide = vi.spyOn(commands, "decideDuty");
    const { decisions } = answerIn<ManagerView>(manager, "manager");
    const { advice } = decisions[0]!;
    show(manager as Tape);
    await screen.findByTestId("manager-decision-0");
    expect(document.body.textContent).not.toMatch(/bite|animal|allerg|symptom|urgen/i);
    await press("manager-decide-accept");
    expect(decide).toHaveBeenCalledWith("decision-1", advice);
    const decided = decisions.filter(({ decision }) => decision).length;
    await waitFor(() => expect(screen.getAllByTestId("manager-decided")).toHaveLength(decided + 1));
  });

  it("a role without a page here is told where its work is", async () => {
    show(office as Tape);
    expect((await screen.findByTestId("screen-office")).textContent).toContain("ach-server audit");
  });

  it("a locked window asks for the PIN and shows no name", async () => {
    show(locked as Tape);
    await screen.findByTestId("screen-unlock");
    expect(screen.queryByTestId("staff-who")).toBeNull();
    expect(screen.queryByTestId("queue")).toBeNull();
  });
});

