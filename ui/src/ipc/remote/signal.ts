// The way to the signalling: a WebSocket, and the long poll where none comes through. What is said, and said again after a
// cut, the core knows.

import type { Core, Told } from "./core";
import { Refused, type Session } from "./session";

const PAUSES_MS = [200, 1_000, 2_000, 5_000, 10_000];
/** A socket that is not welcomed within this time is given up. */
const WELCOME_MS = 8_000;
/** After so many answered polls the WebSocket is tried again. */
const ROUNDS = 8;
const LINK_EVERY_MS = 15_000;

export class Signal {
  private socket: WebSocket | null = null;
  private poll: AbortController | null = null;
  private said = 0;
  private over = false;
  private wake: () => void = () => {};
  /** Whether the server has welcomed this page. */
  live = false;

  constructor(
    private readonly core: Core,
    private readonly session: Session,
    /** Takes whatever follows from a message. */
    private readonly take: (told: Told) => void,
    private readonly onLive: (live: boolean) => void,
  ) {
    core.ask({ ask: "hello", device: crypto.randomUUID() });
  }

  /** Connects, and stays connected until [`stop`]. */
  async run(): Promise<void> {
    let failed = 0;
    while (!this.over) {
      const welcomed = (await this.throughSocket()) || (failed > 0 && (await this.byPoll()));
      this.setLive(false);
      failed = welcomed ? 0 : failed + 1;
      if (!this.over) await this.pause(PAUSES_MS[Math.min(failed, PAUSES_MS.length - 1)] ?? 0);
    }
  }

  stop(): void {
    this.over = true;
    this.socket?.close();
    this.poll?.abort();
    this.wake();
  }

  /** Another network: the old connection may be dead without anybody having noticed. */
  reconnect(): void {
    this.socket?.close();
    this.wake();
  }

  /** Sends what the core has given, and ends a waiting poll where there is something new to say. */
  send(told: Told): void {
    if (this.socket?.readyState === WebSocket.OPEN) for (const frame of told.frames) this.socket.send(JSON.stringify(frame));
    if (told.said !== this.said) this.poll?.abort();
    this.said = told.said;
  }

  private setLive(live: boolean): void {
    if (live === this.live) return;
    this.live = live;
    this.onLive(live);
  }

  private pause(ms: number): Promise<void> {
    return new Promise((done) => {
      const timer = setTimeout(done, ms);
      this.wake = () => (clearTimeout(timer), done());
    });
  }

  /** Until the socket closes; whether it was ever welcomed. */
  private async throughSocket(): Promise<boolean> {
    const token = await this.session.token().catch(() => null);
    if (token === null || this.over) return false;
    let welcomed = false;
    let link: ReturnType<typeof setInterval> | undefined;
    await new Promise<void>((closed) => {
      const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/signal`, ["hms.signal", `hms.bearer.${token}`]);
      this.socket = socket;
      const late = setTimeout(() => !welcomed && socket.close(), WELCOME_MS);
      socket.onopen = () => this.take(this.core.ask<Told>({ ask: "connected" }));
      socket.onmessage = ({ data }) => {
        const told = this.core.ask<Told>({ ask: "frame", now: Date.now(), frame: JSON.parse(String(data)) });
        welcomed ||= told.live;
        this.setLive(told.live);
        this.take(told);
      };
      socket.onclose = () => {
        clearTimeout(late);
        closed();
      };
      link = setInterval(() => this.tellLink(), LINK_EVERY_MS);
    });
    clearInterval(link);
    this.socket = null;
    this.take(this.core.ask<Told>({ ask: "disconnected" }));
    return welcomed;
  }

  /** The round trip of a small request, for the queue's column of others. */
  private tellLink(): void {
    const begun = performance.now();
    fetch("/api/hello", { cache: "no-store" })
      .then(() => this.take(this.core.ask<Told>({ ask: "linked", rtt_ms: Math.round(performance.now() - begun), loss_permille: 0 })))
      .catch(() => {});
  }

  /** Some rounds of the long poll; whether one was answered. */
  private async byPoll(): Promise<boolean> {
    let answered = false;
    for (let round = 0; round < ROUNDS && !this.over; ) {
      const body = JSON.stringify(this.core.ask({ ask: "poll_body" }));
      this.poll = new AbortController();
      try {
        const init = { method: "POST", headers: { "content-type": "application/json" }, body, signal: this.poll.signal };
        const answer = await this.session.json("/signal/poll", init);
        answered = true;
        round += 1;
        const told = this.core.ask<Told>({ ask: "polled", now: Date.now(), answer });
        this.setLive(true);
        this.take(told);
      } catch (why) {
        // Something to say ended the wait: the next poll carries it.
        if (this.poll.signal.aborted && !this.over) continue;
        // Cut off in the middle, or refused: the next round begins anew.
        if (!(why instanceof Refused)) console.warn("The poll failed:", why instanceof Error ? why.name : "unknown");
        break;
      }
    }
    this.poll = null;
    return answered;
  }
}
