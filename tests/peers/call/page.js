// One side of a call in a page: what call.mjs drives. It tells by `emit` (a line of JSON) and `keep` (a picture's luma).
"use strict";

const now = () => performance.timeOrigin + performance.now();
const say = (value) => emit(JSON.stringify({ ...value, t: now() }));
const RATE = 48000;
const FIGURES_EVERY_MS = 250;
const KEEP_EVERY_MS = 500;
/** What the recorder hands over at a time. */
const BLOCK = 4800;

const call = { frames: [], sizes: [], connected: null, firstFrame: null, blocks: [], recorded: 0 };

// Records two inputs side by side: what is heard and what is sent.
const RECORDER = `registerProcessor("recorder", class extends AudioWorkletProcessor {
  constructor() { super(); this.clear(); }
  clear() { this.at = 0; this.both = [new Int16Array(${BLOCK}), new Int16Array(${BLOCK})]; }
  process(inputs) {
    for (const [side, block] of this.both.entries()) {
      const channel = inputs[side]?.[0];
      for (let n = 0; n < 128; n += 1) {
        block[this.at + n] = Math.round(32767 * Math.max(-1, Math.min(1, channel?.[n] ?? 0)));
      }
    }
    this.at += 128;
    if (this.at + 128 > ${BLOCK}) {
      const both = this.both.map((block) => block.slice(0, this.at));
      this.port.postMessage({ both, end: currentFrame + 128 }, both.map((block) => block.buffer));
      this.clear();
    }
    return true;
  }
});`;

/** Starts this side. Mode "tuned": redundant sound first, 60 ms a packet, 16 kbit/s. */
async function begin(role, mode, picture) {
  call.mode = mode;
  // Nothing but the codec and the link may change the sound that is compared.
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const local = await navigator.mediaDevices.getUserMedia({ audio: plain, video: picture });
  const pc = (call.pc = new RTCPeerConnection());
  for (const track of local.getTracks()) pc.addTrack(track, local);
  pc.addEventListener("connectionstatechange", () => {
    say({ event: pc.connectionState });
    if (pc.connectionState === "connected") call.connected ??= now();
  });
  const video = document.querySelector("video");
  video.srcObject = new MediaStream();
  pc.addEventListener("track", ({ track }) => {
    // Sound that no element plays is not even decoded.
    video.srcObject.addTrack(track);
    if (track.kind === "video") watch(video, track);
    else record(local, new MediaStream([track])).catch((why) => say({ error: String(why) }));
  });
  if (mode === "tuned") redFirst(pc);
  call.looking = setInterval(figures, FIGURES_EVERY_MS);
  if (role === "offer") {
    await pc.setLocalDescription();
    say({ offer: await gathered(pc) });
  }
}

async function take(line) {
  const { pc } = call;
  if (line.answer) await pc.setRemoteDescription({ type: "answer", sdp: munged(line.answer) });
  if (line.offer) {
    await pc.setRemoteDescription({ type: "offer", sdp: munged(line.offer) });
    if (call.mode === "tuned") redFirst(pc);
    await pc.setLocalDescription();
    say({ answer: await gathered(pc) });
  }
  if (line.do === "restart") {
    await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
    say({ offer: await gathered(pc) });
  }
}

function redFirst(pc) {
  const codecs = RTCRtpReceiver.getCapabilities("audio").codecs;
  const red = codecs.filter((codec) => codec.mimeType.toLowerCase() === "audio/red");
  const others = codecs.filter((codec) => !red.includes(codec));
  for (const transceiver of pc.getTransceivers()) {
    const kind = transceiver.sender.track?.kind ?? transceiver.receiver.track.kind;
    if (kind === "audio") transceiver.setCodecPreferences([...red, ...others]);
  }
}

/** The far side's wishes, as this side's encoder is to obey them. */
function munged(sdp) {
  if (call.mode !== "tuned") return sdp;
  const opus = /a=rtpmap:(\d+) opus\/48000/i.exec(sdp)?.[1];
  if (!opus) return sdp;
  const lines = sdp.split("\r\n").filter((line) => !/^a=(max)?ptime:/.test(line));
  const fmtp = lines.findIndex((line) => line.startsWith(`a=fmtp:${opus} `));
  const rate = "maxaveragebitrate=16000";
  if (fmtp >= 0) lines[fmtp] += `;${rate}`;
  const map = lines.findIndex((line) => line.startsWith(`a=rtpmap:${opus} `));
  lines.splice(map + 1, 0, ...(fmtp >= 0 ? [] : [`a=fmtp:${opus} ${rate}`]), "a=ptime:60", "a=maxptime:60");
  return lines.join("\r\n");
}

/** The own description with all addresses in it. */
async function gathered(pc) {
  while (pc.iceGatheringState !== "complete") {
    await new Promise((done) => pc.addEventListener("icegatheringstatechange", done, { once: true }));
  }
  return pc.localDescription.sdp;
}

/** Notes each picture's time, and hands some over. */
async function watch(video, track) {
  video.requestVideoFrameCallback(() => (call.shown = now()));
  const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
  let kept = 0;
  for (;;) {
    const { value: frame, done } = await reader.read();
    if (done) return;
    const at = now();
    call.firstFrame ??= at;
    call.frames.push(at);
    const { width, height } = frame.visibleRect;
    const last = call.sizes.at(-1);
    if (last?.[1] !== width || last?.[2] !== height) call.sizes.push([at, width, height]);
    if (call.keeps && at - kept >= KEEP_EVERY_MS) {
      kept = at;
      // Not waited for: the next picture's time is read meanwhile.
      keepLuma(frame.clone(), at, width, height).catch((why) => say({ error: String(why) }));
    }
    frame.close();
  }
}

async function keepLuma(frame, at, width, height) {
  const whole = new Uint8Array(frame.allocationSize());
  const [plane] = await frame.copyTo(whole);
  frame.close();
  const bytes = new Uint8Array(16 + width * height);
  bytes.set(new TextEncoder().encode("LUMA"));
  const head = new DataView(bytes.buffer);
  [width, height, (at - call.connected) >>> 0].forEach((value, n) => head.setUint32(4 + 4 * n, value, true));
  for (let row = 0; row < height; row += 1) {
    const from = plane.offset + row * plane.stride;
    bytes.set(whole.subarray(from, from + width), 16 + row * width);
  }
  keep(base64(bytes));
}

function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) {
    text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  }
  return btoa(text);
}

async function record(local, remote) {
  const context = new AudioContext({ sampleRate: RATE });
  await context.audioWorklet.addModule(`data:text/javascript,${encodeURIComponent(RECORDER)}`);
  const recorder = new AudioWorkletNode(context, "recorder", { numberOfInputs: 2, channelCount: 1, channelCountMode: "explicit" });
  context.createMediaStreamSource(remote).connect(recorder, 0, 0);
  context.createMediaStreamSource(new MediaStream(local.getAudioTracks())).connect(recorder, 0, 1);
  recorder.connect(context.destination);
  recorder.port.onmessage = ({ data }) => {
    const length = data.both[0].length;
    call.blocks.push({ both: data.both, length, lag: now() - ((call.recorded + length) / RATE) * 1000 });
    call.recorded += length;
  };
  await context.resume();
}

async function figures() {
  const report = await call.pc.getStats();
  const all = [...report.values()];
  const inbound = (kind) => all.find((stat) => stat.type === "inbound-rtp" && stat.kind === kind) ?? {};
  const pick = (stat, names) => Object.fromEntries(names.map((name) => [name, stat[name] ?? null]));
  const sound = pick(inbound("audio"), [
    "packetsReceived", "packetsLost", "packetsDiscarded", "bytesReceived", "totalSamplesReceived", "concealedSamples",
    "silentConcealedSamples", "concealmentEvents", "jitterBufferDelay", "jitterBufferEmittedCount", "fecPacketsReceived",
  ]);
  const picture = pick(inbound("video"), [
    "packetsReceived", "packetsLost", "bytesReceived", "framesReceived", "framesDecoded", "framesDropped", "keyFramesDecoded",
    "freezeCount", "totalFreezesDuration", "frameWidth", "frameHeight", "nackCount", "pliCount", "decoderImplementation",
  ]);
  const transport = all.find((stat) => stat.type === "transport") ?? {};
  const pair = report.get(transport.selectedCandidatePairId) ?? {};
  const path = pick(pair, ["currentRoundTripTime", "availableOutgoingBitrate", "bytesSent", "bytesReceived", "packetsSent", "packetsReceived"]);
  const candidate = report.get(pair.localCandidateId) ?? {};
  path.local = candidate.candidateType ? `${candidate.candidateType} ${candidate.protocol} ${candidate.address}` : null;
  const codecs = all.filter((stat) => stat.type === "codec").map((stat) => `${stat.payloadType} ${stat.mimeType}`);
  call.stats = { sound, picture, path, codecs };
  say({ stats: call.stats });
}

/**
 * Where each block belongs, in samples from the first. A message is never early, so the earliest of a second shows the pace; a lag
 * that lasts is sound that a starved machine never played. The same rule as for ours (hms-media's example `peer`).
 */
function places(blocks) {
  let pace = null;
  let at = 0;
  return blocks.map(({ both, length }, n) => {
    const coming = Math.min(...blocks.slice(n, n + RATE / BLOCK).map(({ lag }) => lag));
    if (pace === null || coming > pace + 30) pace = coming;
    const from = pace + (at / RATE) * 1000;
    at += length;
    return { both, from };
  });
}

function whole(placed, side) {
  const first = placed[0]?.from ?? 0;
  const start = ({ from }) => Math.round(((from - first) * RATE) / 1000);
  const last = placed.at(-1);
  const all = new Int16Array(last ? start(last) + last.both[side].length : 0);
  for (const block of placed) all.set(block.both[side], start(block));
  return new Uint8Array(all.buffer);
}

async function end() {
  clearInterval(call.looking);
  await figures();
  const stopped = now();
  const placed = places(call.blocks);
  call.wave = { heard: whole(placed, 0), sent: whole(placed, 1) };
  call.pc.close();
  return JSON.stringify({
    connected: call.connected, first_frame: call.firstFrame, shown: call.shown ?? null, frames: call.frames, sizes: call.sizes,
    stopped,
    // The wall clock of the first recorded sample.
    sound_from: placed[0]?.from ?? null,
    stats: call.stats,
  });
}

/** A piece of the recorded sound: 16 bit, little end first, 48 kHz. */
const piece = (name, at, length) => base64(call.wave[name].subarray(at, at + length));
