// Answers the page's commands in a browser: sign-in, queue, chart and call, against the server this page came from.

import { emit } from "@tauri-apps/api/event";
import { mockIPC } from "@tauri-apps/api/mocks";
import type { AppView, CommandError, ErrorCode, NetworkView, QueueView } from "../bindings";
import { setPictures } from "../pictures";
import { PageCall } from "./call";
import { Core } from "./core";
import { Failed, Pages } from "./pages";
import { newest } from "./pictures";
import { Refused, Session, type Who } from "./session";
import { Signal } from "./signal";

/** Hints of one moment are followed together. */
const HINTS_MS = 1_000;

type Hello = { help_phone: string; demo?: boolean };
type Args = Record<string, unknown>;
const text = (value: unknown) => String(value ?? "");

/** The page behind its commands. */
class Desk {
  private who: Who | null = null;
  private pages: Pages | null = null;
  private call: PageCall | null = null;
  private signal: Signal | null = null;
  private told: number | null = null;
  private hints: ReturnType<typeof setTimeout> | undefined;
  /** Emergencies that were called out once. */
  private readonly announced = new Set<string>();
  private readonly looks = { language: navigator.language.startsWith("es") ? "es" : "en", theme: "auto" };
  private network: NetworkView = { state: "online", last_sync_at: null, rtt_ms: null, problem: null };

  constructor(
    private readonly session: Session,
    private readonly core: Core,
    private readonly hello: Hello,
  ) {
    session.onEnded = () => this.leave();
  }

  /** After a sign-in: who it is, and the way to the signalling. */
  async open(): Promise<void> {
    this.who = await this.session.json<Who>("/api/session");
    this.pages = new Pages(this.core, this.session, this.who.fhir.replace("Practitioner/", ""), this.who.name);
    const call = new PageCall(this.core, () => changed(["visit"]), () => this.hinted(), () => void emit("alert", { kind: "ring" }));
    this.call = call;
    this.signal = new Signal(this.core, this.session, (told) => call.take(told), (live) => this.linked(live));
    call.signal = this.signal;
    void this.signal.run();
    addEventListener("online", () => this.signal?.reconnect());
    addEventListener("offline", () => this.hinted());
    addEventListener("pagehide", () => call.does("leave"));
    // Nobody leaves a call by a slip of the hand.
    addEventListener("beforeunload", (event) => {
      if (!["none", "ended"].includes(call.shown().state)) event.preventDefault();
    });
  }

  app(): AppView {
    return {
      phase: this.who ? "open" : "fresh", role: (this.who?.role as AppView["role"]) ?? null, name: this.who?.name ?? null, site: this.who?.site ?? null,
      ...this.looks, vault: "keychain", network: this.network, unsent: 0, clock_off_s: null, tries_left: 0, wait_until: null,
      help_phone: this.hello.help_phone, server: location.host, demo: this.hello.demo ?? false, version: __VERSION__, frames_url: "page:", storage: null,
    };
  }

  async answer(command: string, args: Args): Promise<unknown> {
    switch (command) {
      case "app_state":
        return this.app();
      case "set_preferences":
        Object.assign(this.looks, args["form"]);
        return this.app();
      case "sign_in_start":
        return this.session.begin(this.looks.language);
      case "lock":
        this.call?.does("leave");
        await this.session.end();
        return this.app();
      case "dial":
        location.href = `tel:${text(args["number"]).replace(/[^\d+]/g, "")}`;
        return null;
      case "conflicts":
        return [];
      case "check_basis":
        return null;
    }
    const { pages, call } = this;
    if (!pages || !call) throw new Failed("locked");
    const task = text(args["task"]);
    switch (command) {
      case "queue":
        return this.reached(pages.queue());
      case "queue_claim":
        return pages.claim(task);
      case "queue_release":
        return pages.release(task);
      case "chart":
        return pages.chart(task);
      case "report_identify":
        return pages.identify(task, text(args["number"]), text(args["name"]));
      case "attachment":
        return call.picture(text(args["id"])) ?? pages.attachment(text(args["id"]));
      case "visit":
        return call.shown();
      case "visit_call":
        return call.calls(task, await pages.callee(task));
      case "visit_accept":
        return call.answers();
      case "visit_decline":
      case "visit_leave":
        return call.does("leave");
      case "visit_mute":
        return call.does("mute", { on: args["muted"] });
      case "visit_camera":
        return call.does("camera", { on: args["on"] });
      case "visit_sound_only":
        return call.does("sound_only", { on: args["on"] });
      case "visit_try_picture":
        return call.does("try_picture");
      case "visit_ask_sharp":
        return call.does("ask_sharp");
      case "visit_call_me":
        return call.does("call_me");
      case "visit_text":
        return call.does("text", { text: text(args["text"]) });
      case "visit_typing":
        call.does("typing", { text: text(args["text"]) });
        return null;
      default:
        throw new Failed("not_allowed");
    }
  }

  /** Notes that the server answered, or did not. */
  private async reached(read: Promise<QueueView>): Promise<QueueView> {
    const view = await read;
    for (const item of view.items) {
      const emergency = item.priority === "stat" && item.claimed_by === null && item.kind !== "call-back";
      if (!emergency || this.announced.has(item.task)) continue;
      this.announced.add(item.task);
      void emit("alert", { kind: "urgent_case" });
    }
    const online = !view.stale;
    const before = this.network.state;
    this.network = { state: online ? "online" : "offline", last_sync_at: view.as_of, rtt_ms: null, problem: online ? null : "unreachable" };
    if (before !== this.network.state || view.as_of !== this.told) changed(["app"]);
    this.told = view.as_of;
    return view;
  }

  private linked(live: boolean): void {
    // What changed while this page was away was not hinted at.
    if (live) this.hinted();
  }

  private hinted(): void {
    this.pages?.hint();
    this.hints ??= setTimeout(() => {
      this.hints = undefined;
      changed(["queue", "chart"]);
    }, HINTS_MS);
  }

  private leave(): void {
    this.signal?.stop();
    this.call?.does("leave");
    this.signal = this.call = this.pages = null;
    this.who = null;
    // Nothing of anybody stays on the screen or in memory.
    location.replace("/staff");
  }
}

const changed = (tags: string[]) => void emit("changed", { tags });

/** There is no log on this side: what the server answered is all that support can be told. */
const failure = (code: ErrorCode, answered?: number): CommandError => ({ code, reference: answered === undefined ? "PAGE" : `PAGE-${answered}` });

function failureOf(why: unknown): CommandError {
  if (why instanceof Failed) return failure(why.code as ErrorCode);
  if (!(why instanceof Refused)) return failure("internal");
  const codes: Record<number, ErrorCode> = { 0: "offline", 401: "locked", 403: "not_allowed", 404: "not_found", 409: "changed", 412: "changed", 422: "invalid" };
  return failure(codes[why.status] ?? "internal", why.status);
}

/** Puts all of it in the place of the shell. False where this is no server's page. */
export async function install(): Promise<boolean> {
  const [hello, program, issuer] = await Promise.all([
    fetch("/api/hello").then((answer) => answer.json() as Promise<Hello>),
    fetch("/staff/core.wasm").then((answer) => answer.arrayBuffer()),
    fetch("/.well-known/openid-configuration").then((answer) => answer.json() as Promise<{ issuer: string }>),
  ]);
  // The sign-in comes back to the name that the server gives itself, whatever was typed.
  if (new URL(issuer.issuer).origin !== location.origin) {
    location.replace(`${issuer.issuer}/staff`);
    return false;
  }
  const session = new Session();
  const desk = new Desk(session, await Core.of(program), hello);
  setPictures((_url, side, give) => newest.watch(side, give));
  // The commands go where the shell would be: the library's own door for that, in a page without one.
  mockIPC(
    (command, payload) => {
      const args = payload && typeof payload === "object" && !Array.isArray(payload) ? { ...payload } : {};
      return desk.answer(command, args as Args).catch((why: unknown) => {
        throw failureOf(why);
      });
    },
    { shouldMockEvents: true },
  );
  await session.finish();
  if (session.signedIn) await desk.open();
  return true;
}
