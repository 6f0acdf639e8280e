// Answers commands in a plain browser, only with values recorded from real commands (recorded/README.md).
//
// A tape is the list of calls of one walk through the app, in order. A call that changes something moves
// the tape on to the next call of the same kind; a call that reads gets what was last read up to there.

import { emit } from "@tauri-apps/api/event";
import { mockIPC } from "@tauri-apps/api/mocks";

type Call = { command: string; args?: Record<string, unknown>; data?: unknown; error?: unknown };
type Happening = { event: string; payload: unknown };
/** `at` is when it was recorded, in milliseconds since 1970: the times in it are read as of then. */
export type Tape = { recorded: boolean; commit?: string; with?: string; at?: number; calls: (Call | Happening)[] };

const tapes = import.meta.glob<{ default: Tape }>("./recorded/*.json");

const READS = new Set([
  "app_state", "sign_in_state", "outbox", "where_am_i", "dial", "attachment", "visit", "report_draft", "reports",
  "report", "triage_search", "triage_at", "summaries", "queue", "chart", "imaging_sites", "duty_choices", "manager",
  "conflicts", "phone_state", "storage", "check_basis", "visit_typing",
]);

const isCall = (entry: Call | Happening): entry is Call => "command" in entry;

/** Same JSON, whatever the order of the fields. */
function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const left = Object.entries(a);
  const right = new Map(Object.entries(b));
  return left.length === right.size && left.every(([key, value]) => right.has(key) && same(value, right.get(key)));
}

/** One tape being played. */
export class Player {
  /** The last entry that has happened. */
  private at = -1;

  constructor(private readonly tape: Tape) {}

  /** The answer to a call, and the events that follow it. */
  play(command: string, args: Record<string, unknown>): { call: Call; events: Happening[] } | null {
    return READS.has(command) ? this.read(command, args) : this.change(command, args);
  }

  private read(command: string, args: Record<string, unknown>) {
    const end = this.endOfSegment();
    const found =
      this.last(end, command, args) ?? this.last(end, command) ?? this.next(end, command, args) ?? this.next(end, command);
    if (found === null) return null;
    return { call: this.tape.calls[found] as Call, events: [] };
  }

  private change(command: string, args: Record<string, unknown>) {
    const found =
      this.next(this.at, command, args) ??
      this.last(this.at, command, args) ??
      this.next(this.at, command) ??
      this.last(this.at, command);
    if (found === null) return null;
    this.at = found;
    const events: Happening[] = [];
    for (const entry of this.tape.calls.slice(found + 1, this.endOfSegment() + 1)) {
      if (!isCall(entry)) events.push(entry);
    }
    return { call: this.tape.calls[found] as Call, events };
  }

  /** Everything up to the next change belongs to the change before it. */
  private endOfSegment(): number {
    const calls = this.tape.calls;
    let end = this.at;
    for (let i = this.at + 1; i < calls.length; i++) {
      const entry = calls[i];
      if (entry && isCall(entry) && !READS.has(entry.command)) break;
      end = i;
    }
    return end;
  }

  private matches(index: number, command: string, args?: Record<string, unknown>): boolean {
    const entry = this.tape.calls[index];
    return !!entry && isCall(entry) && entry.command === command && (!args || same(entry.args ?? {}, args));
  }

  /** Newest match up to `end`; without arguments, any of that command. */
  private last(end: number, command: string, args?: Record<string, unknown>): number | null {
    for (let i = end; i >= 0; i--) if (this.matches(i, command, args)) return i;
    return null;
  }

  private next(after: number, command: string, args?: Record<string, unknown>): number | null {
    for (let i = after + 1; i < this.tape.calls.length; i++) if (this.matches(i, command, args)) return i;
    return null;
  }
}

/** Language and theme: no tape can hold every pair, so the fake keeps what was chosen and lays it over. */
type Preferences = { language?: unknown; theme?: unknown };

const isAppView = (data: unknown): data is Record<string, unknown> =>
  typeof data === "object" && data !== null && "phase" in data && "theme" in data;

/** Puts the fake in place: `?tape=busy&language=es&theme=sun`. */
export async function install(): Promise<void> {
  const asked = new URLSearchParams(location.search);
  const name = asked.get("tape") ?? "open";
  // The words of a symptom check come from Rust: where a walk was recorded in Spanish too, that one is played.
  const load = tapes[`./recorded/${name}_${asked.get("language")}.json`] ?? tapes[`./recorded/${name}.json`];
  if (!load) throw new Error(`no tape named ${name}`);
  const chosen: Preferences = {};
  for (const key of ["language", "theme"] as const) if (asked.has(key)) chosen[key] = asked.get(key);
  playTape((await load()).default, chosen);
}

/** Plays a tape from its beginning. */
export function playTape(tape: Tape, preferences: Preferences = {}): void {
  const player = new Player(tape);
  let chosen = preferences;
  mockIPC(
    async (command, payload) => {
      const args = payload && typeof payload === "object" && !Array.isArray(payload) ? { ...payload } : {};
      if (command === "set_preferences" && "form" in args && typeof args.form === "object") {
        chosen = { ...args.form };
        return { ...(player.play("app_state", {})?.call.data ?? {}), ...chosen };
      }
      const played = player.play(command, args as Record<string, unknown>);
      if (!played) throw { code: "not_found", reference: "TAPE" };
      if (played.events.length > 0) setTimeout(() => played.events.forEach((e) => void emit(e.event, e.payload)), 0);
      if (played.call.error !== undefined) throw played.call.error;
      const { data } = played.call;
      return isAppView(data) ? { ...data, ...chosen } : (data ?? null);
    },
    { shouldMockEvents: true },
  );
}
