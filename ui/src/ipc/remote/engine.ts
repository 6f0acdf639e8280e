// The browser's own engine, tuned for bad links: redundant sound first, long packets, and the picture only as large as the
// core's ladder allows.

import type { Came, Rung, Turn } from "./core";
import { base64, bytesOf } from "./core";

/** Addresses are waited for this long; who cannot reach a relay has its own all the same. */
const GATHER_MS = 1_500;
/** Silence of the far side after which a call counts as lost: sound flows at least every 60 ms. */
const LOST_MS = 3_000;
const LOOK_EVERY_MS = 1_000;
/** Below a moving picture there are single ones: so few bits, so seldom. A browser that sends none learns no more of its line. */
const SINGLE = { maxBitrate: 30_000, maxFramerate: 1, width: 160 };
const WIDTH = 640;

/** What the engine tells the page. */
export type Happening =
  | { type: "up" | "lost" | "channel" | "stand_in" }
  | { type: "data"; bytes: string }
  | { type: "look"; link: Link; figures: Figures };
export type Link = { estimate_bps: number; rtt_ms: number; loss_permille: number; busy_permille: number };
export type Figures = { rtt_ms: number | null; loss_permille: number | null; frames: number; path: string | null; relay_protocol: string | null };

type Stat = Record<string, unknown> & { id: string; type: string };

export class Engine {
  private readonly pc: RTCPeerConnection;
  private readonly channel: RTCDataChannel;
  private readonly sound = new Audio();
  private readonly timer: ReturnType<typeof setInterval>;
  private before = { received: 0, at: performance.now(), heard: performance.now(), encode: 0 };
  private up = false;
  private closed = false;
  private rung = "";
  /** The far side's moving picture. */
  readonly remote = new MediaStream();

  constructor(
    turn: Turn[],
    private readonly local: MediaStream,
    private readonly tell: (happening: Happening) => void,
  ) {
    const iceServers = turn.map(({ url, username, credential }) => ({ urls: url, username, credential }));
    this.pc = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    this.channel = this.pc.createDataChannel("beside", { negotiated: true, id: 0 });
    this.channel.binaryType = "arraybuffer";
    this.channel.onopen = () => tell({ type: "channel" });
    this.channel.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => tell({ type: "data", bytes: base64(new Uint8Array(data)) });
    this.pc.ontrack = ({ track }) => {
      if (track.kind === "video") return this.remote.addTrack(track);
      this.sound.srcObject = new MediaStream([track]);
      void this.sound.play().catch(() => {});
    };
    this.pc.onconnectionstatechange = () => this.state(this.pc.connectionState);
    for (const track of [...local.getAudioTracks(), ...local.getVideoTracks()]) this.pc.addTrack(track, local);
    // The app looks for a picture's place in each description.
    if (local.getVideoTracks().length === 0) this.pc.addTransceiver("video", { direction: "recvonly" });
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
  }

  /** Says so where the browser makes its picture and sound up. */
  tellStandIn(): void {
    if (this.local.getTracks().some((track) => /^fake/i.test(track.label))) this.tell({ type: "stand_in" });
  }


  async offer(restart = false): Promise<string> {
    this.redFirst();
    await this.pc.setLocalDescription(await this.pc.createOffer({ iceRestart: restart }));
    return this.gathered();
  }

  async answerTo(offer: string): Promise<string> {
    await this.pc.setRemoteDescription({ type: "offer", sdp: tuned(offer) });
    this.redFirst();
    await this.pc.setLocalDescription();
    return this.gathered();
  }

  takeAnswer(sdp: string): Promise<void> {
    return this.pc.setRemoteDescription({ type: "answer", sdp: tuned(sdp) });
  }

  mute(muted: boolean): void {
    for (const track of this.local.getAudioTracks()) track.enabled = !muted;
  }

  camera(on: boolean): void {
    for (const track of this.local.getVideoTracks()) track.enabled = on;
  }

  send(messages: string[]): void {
    if (this.channel.readyState === "open") for (const message of messages) this.channel.send(bytesOf(message));
  }

  /** Sends what a step of the ladder allows. */
  async obey([name, settings]: Rung, shows: boolean): Promise<void> {
    const wanted = `${name} ${shows}`;
    if (wanted === this.rung) return;
    this.rung = wanted;
    for (const sender of this.pc.getSenders()) {
      const parameters = sender.getParameters();
      const [encoding] = parameters.encodings;
      if (!encoding || !sender.track) continue;
      if (sender.track.kind === "audio") {
        encoding.active = settings.audio_bps > 0;
        encoding.maxBitrate = Math.max(settings.audio_bps, 6_000);
      } else {
        const single = settings.video_bps === 0;
        const width = single ? SINGLE.width : settings.max_width;
        encoding.active = shows && (!single || settings.still_every_ms > 0);
        encoding.maxBitrate = single ? SINGLE.maxBitrate : settings.video_bps;
        encoding.maxFramerate = single ? SINGLE.maxFramerate : settings.max_fps;
        encoding.scaleResolutionDownBy = Math.max(1, (sender.track.getSettings().width ?? WIDTH) / width);
      }
      // A sender that is being renegotiated takes it the next time.
      await sender.setParameters(parameters).catch(() => (this.rung = ""));
    }
  }

  close(): void {
    this.closed = true;
    clearInterval(this.timer);
    stopAll(this.local);
    this.sound.srcObject = null;
    this.pc.close();
  }

  private state(state: RTCPeerConnectionState): void {
    if (state === "connected") this.rise();
    // "disconnected" is one late check; silence tells whether it is meant. "failed" does not mend itself.
    if (state === "failed") this.fall();
  }

  private rise(): void {
    this.before.heard = performance.now();
    if (!this.up && !this.closed) this.tell({ type: "up" });
    this.up = true;
  }

  private fall(): void {
    if (this.up && !this.closed) this.tell({ type: "lost" });
    this.up = false;
  }

  private redFirst(): void {
    const codecs = RTCRtpReceiver.getCapabilities?.("audio")?.codecs ?? [];
    const red = codecs.filter((codec) => codec.mimeType.toLowerCase() === "audio/red");
    if (red.length === 0) return;
    for (const transceiver of this.pc.getTransceivers()) {
      if (transceiver.receiver.track.kind === "audio") transceiver.setCodecPreferences([...red, ...codecs.filter((codec) => !red.includes(codec))]);
    }
  }

  /** The own description with the addresses in it. */
  private async gathered(): Promise<string> {
    const { pc } = this;
    await new Promise<void>((done) => {
      const look = () => pc.iceGatheringState === "complete" && done();
      pc.addEventListener("icegatheringstatechange", look);
      setTimeout(done, GATHER_MS);
      look();
    });
    return pc.localDescription?.sdp ?? "";
  }

  private async look(): Promise<void> {
    const stats = [...(await this.pc.getStats()).values()] as Stat[];
    if (this.closed) return;
    const now = performance.now();
    const of = (type: string, kind?: string) => stats.find((stat) => stat.type === type && (!kind || stat["kind"] === kind));
    const pair = stats.find((stat) => stat.id === of("transport")?.["selectedCandidatePairId"]);
    const received = Number(pair?.["bytesReceived"] ?? 0);
    if (received > this.before.received) {
      this.before.heard = now;
      if (!this.up && this.pc.connectionState === "connected") this.rise();
    } else if (now - this.before.heard > LOST_MS) this.fall();
    const encode = Number(of("outbound-rtp", "video")?.["totalEncodeTime"] ?? 0) * 1_000;
    const busy = ((encode - this.before.encode) / (now - this.before.at)) * 1_000;
    this.before = { ...this.before, received, at: now, encode };
    if (!this.up || !pair) return;
    const rtt = Number(pair["currentRoundTripTime"] ?? 0) * 1_000;
    const lost = Number(of("remote-inbound-rtp", "audio")?.["fractionLost"] ?? 0) * 1_000;
    const local = stats.find((stat) => stat.id === pair["localCandidateId"]);
    const relayed = local?.["candidateType"] === "relay";
    this.tell({
      type: "look",
      link: {
        estimate_bps: whole(pair["availableOutgoingBitrate"] ?? 300_000), rtt_ms: whole(rtt), loss_permille: whole(lost), busy_permille: whole(Math.max(0, busy)),
      },
      figures: {
        rtt_ms: whole(rtt), loss_permille: whole(lost), frames: whole(of("inbound-rtp", "video")?.["framesDecoded"] ?? 0),
        path: relayed ? "relay" : "host", relay_protocol: relayed ? String(local?.["relayProtocol"] ?? "udp") : null,
      },
    });
  }
}

const whole = (figure: unknown) => Math.round(Number(figure));

/** Opens microphone and camera. Without a camera the call has sound; without a microphone there is no call. */
export async function openDevices(): Promise<MediaStream> {
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  const video = { width: WIDTH, height: 480, frameRate: 30 };
  return navigator.mediaDevices.getUserMedia({ audio, video }).catch(() => navigator.mediaDevices.getUserMedia({ audio }));
}

/** Lets microphone and camera go. */
export const stopAll = (stream: MediaStream) => stream.getTracks().forEach((track) => track.stop());

/** The far side's description, with what this side's coder is to obey: packets of 60 ms, 16 kbit/s. */
export function tuned(sdp: string): string {
  const opus = /a=rtpmap:(\d+) opus\/48000/i.exec(sdp)?.[1];
  if (!opus) return sdp;
  const lines = sdp.split("\r\n").filter((line) => !/^a=(max)?ptime:/.test(line));
  const rate = "maxaveragebitrate=16000";
  const format = lines.findIndex((line) => line.startsWith(`a=fmtp:${opus} `));
  if (format >= 0) lines[format] += `;${rate}`;
  const map = lines.findIndex((line) => line.startsWith(`a=rtpmap:${opus} `));
  lines.splice(map + 1, 0, ...(format >= 0 ? [] : [`a=fmtp:${opus} ${rate}`]), "a=ptime:60", "a=maxptime:60");
  return lines.join("\r\n");
}

/** A still picture as a browser draws it. */
export const pictureOf = (came: Came) => createImageBitmap(new Blob([bytesOf(came.bytes)], { type: "image/webp" }));
