// The phone itself: who uses it, what waits and whose it is, what it holds, and going off it. On recorded answers.

import { cleanup, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { QueryClientProvider } from "@tanstack/react-query";
import { clearMocks } from "@tauri-apps/api/mocks";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Page } from "../src/base/Page";
import { newQueryClient } from "../src/base/query";
import { CarrierApp } from "../src/features/CarrierApp";
import { commands } from "../src/ipc/transport";
import { playTape, type Tape } from "../src/ipc/fake";
import { carrierWords } from "../src/words/carrier";
import costs from "../src/ipc/recorded/costs.json";
import costs_said from "../src/ipc/recorded/costs_said.json";
import foreign from "../src/ipc/recorded/foreign.json";
import leaving from "../src/ipc/recorded/leaving.json";
import left from "../src/ipc/recorded/left.json";
import people from "../src/ipc/recorded/people.json";

const tapes = { people, leaving, left, costs, costs_said, foreign };

async function open(name: keyof typeof tapes, hash = "") {
  location.hash = hash;
  playTape(tapes[name] as Tape, { language: "en", theme: "light" });
  render(
    <QueryClientProvider client={newQueryClient()}>
      <Page catalogues={carrierWords}><CarrierApp /></Page>
    </QueryClientProvider>,
  );
  return userEvent.setup();
}

afterEach(() => {
  cleanup();
  clearMocks();
});

describe("handing the phone over", () => {
  it("says no while anything of anybody waits, by initials and counts", async () => {
    await open("people", "phone");
    const safe = await screen.findByTestId("safe");
    expect(safe.textContent).toContain("Do not hand over yet");
    expect((await screen.findByTestId("waits-main")).textContent).toContain("1 report or check");
    expect((await screen.findByTestId("waits-p3")).textContent).toContain("All sent");
    expect(document.body.textContent).not.toContain("gate fell");
  });
});

describe("who uses the phone", () => {
  it("is chosen by initials, and is asked for a PIN", async () => {
    const user = await open("people", "phone");
    await user.click(await screen.findByTestId("person-p3"));
    await screen.findByTestId("screen-unlock");
    const people = await screen.findByTestId("people");
    expect(within(people).getAllByRole("button")).toHaveLength(6);
    expect((await screen.findByTestId("person-p3")).getAttribute("aria-pressed")).toBe("true");
  });
});

describe("going off the phone", () => {
  it("asks first, then waits locked and says what is not sent", async () => {
    const user = await open("leaving", "phone");
    await user.click(await screen.findByTestId("leave"));
    await user.click(await screen.findByTestId("leave-yes"));
    const said = await screen.findByTestId("notice-leaving");
    expect(said.textContent).toContain("still have to be sent");
    expect(said.textContent).toContain("Nothing is deleted");
    await screen.findByTestId("screen-unlock");
  });

  it("says at the end how much was sent", async () => {
    await open("left");
    expect((await screen.findByTestId("notice-left")).textContent).toContain("entries were sent first");
  });
});

describe("space and data", () => {
  it("says how much can go before it goes, and that it went", async () => {
    const user = await open("people", "storage");
    const button = await screen.findByTestId("free-up");
    expect(document.body.textContent).toContain("can go");
    await user.click(button);
    await screen.findByTestId("freed");
    expect(screen.queryByTestId("free-up")).toBeNull();
  });

  it("asks what the link costs where the phone does not say", async () => {
    const user = await open("costs", "storage");
    const costs = () => screen.getByRole<HTMLInputElement>("checkbox", { name: "This connection costs money" });
    await screen.findByTestId("link-costs");
    expect(costs().checked).toBe(true);
    await user.click(costs());
    await waitFor(() => expect(costs().checked).toBe(false));
    cleanup();
    await open("costs_said", "storage");
    await screen.findByTestId("link-said");
    expect(screen.queryByTestId("link-costs")).toBeNull();
  });

  it("says what a server that is not ours cannot do, and nothing of our own", async () => {
    await open("foreign", "storage");
    const { textContent } = await screen.findByTestId("foreign");
    expect(textContent).toContain("no video visits");
    expect(textContent).toContain("goes from this phone later");
    expect(textContent).toContain("new numbers");
    cleanup();
    await open("people", "storage");
    await screen.findByTestId("use-today");
    expect(screen.queryByTestId("foreign")).toBeNull();
  });
});

describe("a large photo on a link that costs", () => {
  it("waits, and goes when the person says so", async () => {
    const user = await open("costs", "outbox");
    expect((await screen.findByTestId("send-photo-large")).textContent).toContain("waits for Wi-Fi");
    await user.click(await screen.findByTestId("send-now-photo-large"));
    await screen.findByTestId("outbox-empty");
  });

  it("is told on the copy of its report, whose words were sent", async () => {
    await open("costs", "reports/report-large");
    expect((await screen.findByTestId("send-state")).textContent).toContain("Sent");
    expect((await screen.findByTestId("send-photo-large")).textContent).toContain("waits for Wi-Fi");
    await screen.findByTestId("send-now-photo-large");
  });

  it("tells Rust what the window knows of the link, and when it changes", async () => {
    const connection = Object.assign(new EventTarget(), { type: "cellular", saveData: false });
    Object.assign(navigator, { connection });
    const told: unknown[] = [];
    const links = vi.spyOn(commands, "linkIs").mockImplementation(async (...args) => {
      told.push(args);
      return { status: "ok", data: null };
    });
    try {
      await open("people", "storage");
      await screen.findByTestId("use-today");
      Object.assign(connection, { type: "wifi", saveData: true });
      connection.dispatchEvent(new Event("change"));
      expect(told).toEqual([["cellular", false], ["wifi", true]]);
    } finally {
      links.mockRestore();
      Reflect.deleteProperty(navigator, "connection");
    }
  });
});
