import { describe, expect, it } from "vitest";
import { Player, type Tape } from "./fake";

const tape: Tape = {
  recorded: true,
  calls: [
    { command: "outbox", data: [] },
    { command: "report_send", args: { draft: "d" }, data: "sent" },
    { command: "outbox", data: ["one"] },
    { event: "changed", payload: { tags: ["outbox"] } },
    { command: "sync_now", data: "synced" },
    { command: "outbox", data: ["none"] },
  ],
};

describe("a tape", () => {
  it("gives reads as of the last change", () => {
    const player = new Player(tape);
    const read = () => player.play("outbox", {})?.call.data;
    expect(read()).toEqual([]);
    player.play("report_send", { draft: "d" });
    expect(read()).toEqual(["one"]);
    player.play("sync_now", {});
    expect(read()).toEqual(["none"]);
  });

  it("tells what happened after a change", () => {
    expect(new Player(tape).play("report_send", { draft: "d" })?.events).toEqual([{ event: "changed", payload: { tags: ["outbox"] } }]);
  });

  it("has no answer for what was never recorded", () => {
    expect(new Player(tape).play("queue", {})).toBeNull();
  });
});
