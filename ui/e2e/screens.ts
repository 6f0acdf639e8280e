// Every screen of the carrier's window: the tape it is seen on, its address, and what is pressed to get there.

import { walkOf, type Walk } from "../test/walk";
import { tapeOf } from "./tape";

export type Language = "en" | "es";

/** What is pressed may depend on the language: each has a check of its own. */
export type Shot = { name: string; tape: string; route?: string; press?: string[] | ((language: Language) => string[]); ready: string };

/** Presses in the check that the tape of that language holds. */
const inCheck = (tape: string, pick: (walk: Walk) => string[]) => (language: Language) => pick(walkOf(tapeOf(tape, language)));

/** What is pressed to get to a screen. */
export const pressesOf = ({ press = [] }: Shot, language: Language) => (typeof press === "function" ? press(language) : press);

export const SCREENS: Shot[] = [
  { name: "sign-in", tape: "fresh", ready: "screen-sign-in" },
  { name: "sign-in-waiting", tape: "fresh", press: ["sign-in-start"], ready: "sign-in-url" },
  { name: "sign-in-code", tape: "fresh", press: ["sign-in-code"], ready: "sign-in-user-code" },
  { name: "set-pin", tape: "needs_pin", ready: "screen-set-pin" },
  { name: "unlock", tape: "locked", ready: "screen-unlock" },
  { name: "unlock-wrong", tape: "locked", press: ["pin-0", "pin-give"], ready: "pin-state" },
  { name: "unlock-phrase", tape: "locked_phrase", ready: "pin-state" },
  { name: "home", tape: "open", ready: "screen-home" },
  { name: "home-busy", tape: "busy", ready: "home-outbox" },
  { name: "home-trouble", tape: "trouble", ready: "notice-storage" },
  { name: "emergency", tape: "open", press: ["emergency"], ready: "emergency-position" },
  { name: "emergency-locked", tape: "locked", press: ["emergency"], ready: "emergency-position" },
  { name: "emergency-no-position", tape: "trouble", press: ["emergency"], ready: "emergency-no-position" },
  { name: "colleague", tape: "open", route: "colleague", ready: "screen-colleague" },
  { name: "report-safe", tape: "open", press: ["home-hurt"], ready: "screen-report-safe" },
  { name: "report-what", tape: "open", press: ["home-hurt", "safe-safe"], ready: "screen-report-what" },
  { name: "report-where", tape: "open", press: ["home-hurt", "safe-safe", "what-animal"], ready: "body-map" },
  { name: "report-where-marked", tape: "open", press: ["home-hurt", "safe-safe", "what-animal", "map-hand-left"], ready: "body-map" },
  { name: "report-where-list", tape: "open", press: ["home-hurt", "safe-safe", "what-animal", "view-list"], ready: "body-list" },
  { name: "report-when", tape: "busy", route: "report/when", ready: "screen-report-when" },
  { name: "report-check", tape: "busy", route: "report/check", ready: "who-will-see" },
  { name: "report-missing", tape: "busy", route: "report/check", press: ["next"], ready: "missing" },
  { name: "report-none", tape: "open", route: "report/safe", ready: "screen-no-draft" },
  {
    name: "done", tape: "open", ready: "send-state",
    press: ["home-hurt", "safe-safe", "what-animal", "map-hand-left", "next", "next", "next"],
  },
  { name: "check-start", tape: "open", route: "check", ready: "complaint-fall" },
  { name: "check-body", tape: "open", route: "check", press: ["way-front", "map-hand-left"], ready: "complaint-animal_bite" },
  { name: "check-multi", tape: "open", route: "check", press: ["complaint-animal_bite"], ready: "screen-question" },
  { name: "check-choice", tape: "open", route: "check", press: inCheck("open", (walk) => walk.to("choice").press), ready: "answer-puncture" },
  { name: "check-boolean", tape: "open", route: "check", press: inCheck("open", (walk) => walk.to("boolean").press), ready: "answer-true" },
  { name: "check-number", tape: "locked", route: "check", press: inCheck("locked", (walk) => walk.to("number").press), ready: "answer-number" },
  { name: "check-emergency", tape: "open", route: "check", press: ["complaint-animal_bite", "answer-breath", "next"], ready: "result-911" },
  { name: "check-today", tape: "open", route: "check", press: inCheck("open", (walk) => walk.whole), ready: "result-card" },
  { name: "check-error", tape: "trouble", route: "check", press: ["check-start"], ready: "trouble" },
  { name: "reports", tape: "busy", route: "reports", ready: "report-report-seen" },
  { name: "reports-empty", tape: "open", route: "reports", ready: "reports-empty" },
  { name: "reports-error", tape: "trouble", route: "reports", ready: "trouble" },
  { name: "copy", tape: "busy", route: "reports/report-seen", ready: "readers" },
  { name: "copy-adding", tape: "busy", route: "reports/report-seen", press: ["add-correction", "add-give"], ready: "add-text" },
  { name: "copy-worse", tape: "busy", route: "reports/report-seen", press: ["add-worse"], ready: "worse-done" },
  { name: "copy-attention", tape: "busy", route: "reports/report-attention", ready: "needed" },
  { name: "copy-conflict", tape: "busy", route: "reports/report-conflict", ready: "needed" },
  { name: "versions", tape: "busy", route: "versions/report-conflict", ready: "version-theirs" },
  { name: "versions-sure", tape: "busy", route: "versions/report-conflict", press: ["keep-theirs"], ready: "sure-theirs" },
  { name: "versions-settled", tape: "busy", route: "versions/report-conflict", press: ["keep-mine", "keep-yes"], ready: "versions-settled" },
  { name: "versions-none", tape: "busy", route: "versions/other", ready: "versions-none" },
  { name: "outbox", tape: "busy", route: "outbox", ready: "outbox-list" },
  { name: "hand-over", tape: "busy", route: "outbox", press: ["hand-over"], ready: "hand-over-done" },
  { name: "outbox-empty", tape: "open", route: "outbox", ready: "outbox-empty" },
  { name: "outbox-error", tape: "trouble", route: "outbox", ready: "trouble" },
  { name: "summaries", tape: "busy", route: "summaries", ready: "summary-0" },
  { name: "summaries-empty", tape: "open", route: "summaries", ready: "summaries-empty" },
  { name: "ringing", tape: "visit", ready: "screen-ringing" },
  { name: "in-call", tape: "visit", press: ["visit-accept"], ready: "screen-in-call" },
  { name: "in-call-code", tape: "visit", press: ["visit-accept", "check-code"], ready: "code-digits" },
  { name: "in-call-muted", tape: "visit", press: ["visit-accept", "visit-mute"], ready: "muted" },
  { name: "in-call-sound-only", tape: "visit", press: ["visit-accept", "visit-sound-only"], ready: "sound-only" },
  { name: "in-call-sharp", tape: "visit", press: ["visit-accept", "visit-sound-only", "visit-try-video"], ready: "sharp-wanted" },
  { name: "in-call-sharp-given", tape: "visit", press: ["visit-accept", "visit-sound-only", "visit-try-video", "sharp-show"], ready: "sharp-given" },
  { name: "call-lost", tape: "visit_lost", route: "visit", ready: "call-quality" },
  { name: "call-line", tape: "visit_lost", ready: "in-call-line" },
  { name: "visit-ended", tape: "visit_lost", route: "visit", press: ["visit-leave"], ready: "screen-visit-ended" },
  { name: "no-visit", tape: "open", route: "visit", ready: "screen-no-visit" },
  { name: "this-phone", tape: "people", route: "phone", ready: "safe" },
  { name: "this-phone-safe", tape: "left", ready: "notice-left" },
  { name: "leave-sure", tape: "people", route: "phone", press: ["leave"], ready: "leave-sure" },
  { name: "people-unlock", tape: "people", route: "phone", press: ["person-p3"], ready: "screen-unlock" },
  { name: "people-else", tape: "people", route: "phone", press: ["person-else"], ready: "screen-sign-in" },
  { name: "leaving", tape: "leaving", route: "phone", press: ["leave", "leave-yes"], ready: "notice-leaving" },
  { name: "storage", tape: "people", route: "storage", ready: "use-today" },
  { name: "storage-freed", tape: "people", route: "storage", press: ["free-up"], ready: "freed" },
  { name: "storage-costs", tape: "costs", route: "storage", ready: "link-costs" },
  { name: "storage-link-said", tape: "costs_said", route: "storage", ready: "link-said" },
  { name: "storage-foreign", tape: "foreign", route: "storage", ready: "foreign" },
  { name: "outbox-large", tape: "costs", route: "outbox", ready: "send-now-photo-large" },
  { name: "outbox-large-sent", tape: "costs", route: "outbox", press: ["send-now-photo-large"], ready: "outbox-empty" },
  { name: "copy-large", tape: "costs", route: "reports/report-large", ready: "send-now-photo-large" },
  { name: "help", tape: "open", route: "help", ready: "help-number" },
  { name: "settings", tape: "open", route: "settings", ready: "screen-settings" },
];
