// The call of this page: between the core, the signalling and the browser's engine.

import type { AttachmentBytes, VisitView } from "../bindings";
import { base64, type Core, type Effect, type Told, type Turn } from "./core";
import { Engine, openDevices, pictureOf, stopAll, type Happening } from "./engine";
import { Failed } from "./pages";
import { newest } from "./pictures";
import type { Signal } from "./signal";

export class PageCall {
  private engine: Engine | null = null;
  /** Counts engines, so that news of an earlier one is not taken for this one's. */
  private number = 0;
  private view: VisitView;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private sharp: { id: string; bytes: string } | null = null;
  /** Open from the click that calls until the call's engine takes them over. */
  private devices: MediaStream | null = null;
  /** The other side's telephone. */
  private phone: string | null = null;
  private shows = true;
  signal: Signal | null = null;

  constructor(
    private readonly core: Core,
    /** The call has changed. */
    private readonly changed: () => void,
    /** Something has changed at the server. */
    private readonly hinted: () => void,
    private readonly rings: () => void,
  ) {
    this.view = core.ask<Told>({ ask: "show" }).view;
  }

  /** What the page shows of it. */
  shown(): VisitView {
    return this.view;
  }

  /** Calls whom an entry is about. The browser asks for the devices first: while it does, nobody is rung for nothing. */
  async calls(task: string, callee: { name: string; phone: string | null }): Promise<VisitView> {
    if (!this.signal?.live) throw new Failed("offline");
    await this.openDevices();
    this.phone = callee.phone;
    return this.does("call", { visit: crypto.randomUUID(), task, peer: callee.name });
  }

  /** Answers. */
  async answers(): Promise<VisitView> {
    await this.openDevices();
    return this.does("accept");
  }

  private async openDevices(): Promise<void> {
    this.letDevicesGo();
    this.devices = await openDevices().catch(() => {
      throw new Failed("device_refused");
    });
  }

  private letDevicesGo(): void {
    if (this.devices) stopAll(this.devices);
    this.devices = null;
  }

  /** A person, or the engine, does something. */
  does(what: string, more: Record<string, unknown> = {}): VisitView {
    this.take(this.core.ask<Told>({ ask: "visit", now: Date.now(), what: { what, ...more } }));
    return this.view;
  }

  /** A sharp picture that came. */
  picture(id: string): AttachmentBytes | null {
    return this.sharp?.id === id ? { content_type: "image/webp", base64: this.sharp.bytes } : null;
  }

  /** Does all that followed from a question. */
  take(told: Told): void {
    this.signal?.send(told);
    this.engine?.send(told.data);
    for (const came of told.pictures) {
      if (came.sharp) this.sharp = { id: `sharp-${came.number}`, bytes: came.bytes };
      else void pictureOf(came).then((picture) => newest.still(picture)).catch(() => {});
    }
    if (told.rung) void this.engine?.obey(told.rung, told.picture);
    this.shows = told.picture;
    this.view = { ...told.view, phone: told.phone ? this.phone : null, sharp_id: this.sharp?.id ?? null };
    if (this.view.state === "ended" || this.view.state === "none") this.letDevicesGo();
    clearTimeout(this.timer);
    if (told.at !== null) this.timer = setTimeout(() => this.does("timer"), Math.max(0, told.at - Date.now()));
    this.changed();
    if (told.changed) this.hinted();
    // Last: what they do may ask again, and its answer is the newer one.
    for (const effect of told.effects) this.effect(effect);
  }

  private effect(effect: Effect): void {
    const { engine } = this;
    switch (effect.do) {
      case "start_offer":
        return void this.start(effect.turn, async (engine) => this.does("offer_ready", { sdp: await engine.offer() }));
      case "start_answer":
        return void this.start(effect.turn, async (engine) => {
          const sdp = await engine.answerTo(effect.offer);
          this.heard("offer", effect.offer);
          this.does("answer_ready", { sdp });
        });
      case "take_answer":
        return void engine?.takeAnswer(effect.sdp).then(() => this.heard("answer", effect.sdp), this.refused);
      case "take_offer":
        return void engine?.answerTo(effect.sdp).then((sdp) => {
          this.heard("offer", effect.sdp);
          this.does("answer_ready", { sdp });
        }, this.refused);
      case "restart":
        return void engine?.offer(true).then((sdp) => this.does("offer_ready", { sdp }), this.refused);
      case "mute":
        return engine?.mute(effect.on);
      case "camera":
        return engine?.camera(effect.on);
      case "stop":
        return this.stop();
      case "ring":
        if (effect.on) this.rings();
    }
  }

  private readonly refused = (why: unknown) => console.warn("The call's engine refused:", why instanceof Error ? why.name : "unknown");

  private heard(kind: "offer" | "answer", sdp: string): void {
    this.take(this.core.ask<Told>({ ask: "heard", kind, sdp }));
  }

  private async start(turn: Turn[], describe: (engine: Engine) => Promise<unknown>): Promise<void> {
    this.stop();
    const number = this.number;
    const nonce = base64(crypto.getRandomValues(new Uint8Array(16)));
    this.take(this.core.ask<Told>({ ask: "transport", nonce }));
    const { devices } = this;
    if (!devices) return void this.does("engine_failed");
    this.devices = null;
    const engine = new Engine(turn, devices, (happening) => number === this.number && this.happened(happening));
    this.engine = engine;
    engine.tellStandIn();
    engine.mute(this.view.muted);
    engine.camera(this.shows);
    newest.streams(engine.remote, devices);
    try {
      await describe(engine);
    } catch (why) {
      this.refused(why);
      if (number === this.number) this.does("engine_failed");
    }
  }

  private stop(): void {
    this.number += 1;
    this.engine?.close();
    this.engine = null;
    this.sharp = null;
    newest.streams(null, null);
  }

  private happened(happening: Happening): void {
    const now = Date.now();
    switch (happening.type) {
      case "up":
        return void this.does("media_up");
      case "lost":
        return void this.does("media_lost");
      case "stand_in":
        return void this.does("stand_in");
      case "channel":
        return this.take(this.core.ask<Told>({ ask: "channel", now }));
      case "data":
        return this.take(this.core.ask<Told>({ ask: "data", now, bytes: happening.bytes }));
      case "look":
        return this.take(this.core.ask<Told>({ ask: "look", now, link: happening.link, figures: happening.figures }));
    }
  }
}
