// Every screen of the staff window: the tape it is seen on, its address, and what is pressed to get there.

import type { Page } from "@playwright/test";
import { pressesOf, type Shot } from "./screens";
import { recordedAt } from "./tape";

const CASE = "case/task-1";

export const STAFF_SCREENS: Shot[] = [
  { name: "sign-in", tape: "fresh", ready: "screen-sign-in" },
  { name: "set-pin", tape: "needs_pin", ready: "screen-set-pin" },
  { name: "unlock", tape: "locked", ready: "screen-unlock" },
  { name: "unlock-phrase", tape: "locked_phrase", ready: "screen-unlock" },
  { name: "queue", tape: "staff", ready: "queue-item-3" },
  { name: "take-in", tape: "staff", press: ["take-in-open"], ready: "take-in-file" },
  { name: "queue-empty", tape: "staff_empty", ready: "queue-empty" },
  { name: "queue-stale", tape: "staff_stale", ready: "queue-stale" },
  { name: "queue-stale-some", tape: "staff_stale_some", ready: "queue-stale" },
  { name: "queue-trouble", tape: "staff_trouble", route: CASE, ready: "trouble" },
  { name: "urgent", tape: "staff_urgent", route: CASE, press: ["queue-release"], ready: "urgent-take" },
  { name: "nurse", tape: "staff_nurse", ready: "queue-item-0" },
  { name: "case", tape: "staff", route: CASE, ready: "chart-name" },
  { name: "case-basis", tape: "staff", route: CASE, press: ["basis-*"], ready: "basis" },
  { name: "case-mine", tape: "staff", route: CASE, press: ["queue-claim"], ready: "note-text" },
  { name: "case-taken", tape: "staff_taken", route: CASE, press: ["queue-claim"], ready: "claim-taken" },
  { name: "case-others", tape: "staff_others", route: CASE, ready: "note-locked" },
  { name: "case-unset", tape: "staff_unset", route: CASE, ready: "allergies-not-asked" },
  { name: "case-signed", tape: "staff_signed", route: CASE, ready: "note-signed" },
  { name: "advice", tape: "staff_call", route: CASE, press: ["advice-status-restricted", "advice-limit-no-left-hand-use", "advice-until-7"], ready: "advice-preview" },
  { name: "close-warning", tape: "staff_call", route: CASE, press: ["close-task"], ready: "close-warning" },
  { name: "send-911", tape: "staff_call", route: CASE, press: ["send-911"], ready: "send-911-card" },
  { name: "ringing", tape: "staff_ringing", route: CASE, ready: "call-ringing" },
  { name: "not-connected", tape: "staff_away", route: CASE, ready: "call-not-connected" },
  { name: "no-answer", tape: "staff_no_answer", route: CASE, ready: "call-ended" },
  { name: "in-call", tape: "staff_call", route: CASE, ready: "visit-remote" },
  { name: "call-lost", tape: "staff_lost", route: CASE, ready: "call-away" },
  { name: "in-call-code", tape: "staff_call", route: CASE, press: ["check-code"], ready: "code-digits" },
  { name: "in-call-sound-only", tape: "staff_call", route: CASE, press: ["visit-sound-only"], ready: "sound-only" },
  { name: "in-call-sharp", tape: "staff_call", route: CASE, press: ["visit-ask-sharp"], ready: "sharp-state" },
  { name: "call-elsewhere", tape: "staff_call", route: "case/task-3", ready: "call-elsewhere" },
  { name: "call-ended", tape: "staff_call", route: CASE, press: ["visit-leave"], ready: "call-ended" },
  { name: "nobody", tape: "staff_nobody", route: CASE, ready: "identify-from" },
  { name: "nobody-fits", tape: "staff_nobody", route: CASE, press: ["identify-give"], ready: "identify-nobody" },
  { name: "versions-notice", tape: "staff_versions", route: CASE, ready: "notice-versions" },
  { name: "versions", tape: "staff_versions", route: CASE, press: ["versions-open"], ready: "version-theirs" },
  { name: "versions-sure", tape: "staff_versions", press: ["versions-open", "keep-mine"], ready: "sure-mine" },
  { name: "help", tape: "staff", press: ["help-open"], ready: "help" },
  { name: "manager", tape: "manager", ready: "manager-decision-0" },
  { name: "manager-change", tape: "manager", press: ["manager-decide-change"], ready: "manager-status-restricted" },
  { name: "manager-empty", tape: "manager_empty", ready: "manager-no-decisions" },
  { name: "office", tape: "office", ready: "screen-office" },
];

export type StaffLook = { language?: "en" | "es"; theme?: "light" | "dark"; text?: 100 | 200 };

/** What has this id; with `*` at the end, what begins so: the numbers of a tape's entries are others each time it is recorded. */
function pressed(page: Page, id: string) {
  return id.endsWith("*") ? page.locator(`[data-testid^="${id.slice(0, -1)}"]`) : page.getByTestId(id);
}

/** Goes to a screen of the staff window and waits for what makes it that screen. */
export async function showStaff(page: Page, shot: Shot, look: StaffLook = {}): Promise<void> {
  await page.clock.install({ time: recordedAt(shot.tape) });
  await page.clock.resume();
  await page.addInitScript((size) => localStorage.setItem("text-size", String(size)), look.text ?? 100);
  const query = new URLSearchParams({ tape: shot.tape, language: look.language ?? "en", theme: look.theme ?? "light" });
  await page.goto("about:blank");
  await page.goto(`/staff.html?${query}#/${shot.route ?? ""}`);
  for (const id of pressesOf(shot, look.language ?? "en")) await pressed(page, id).first().click();
  await page.getByTestId(shot.ready).first().waitFor();
}
