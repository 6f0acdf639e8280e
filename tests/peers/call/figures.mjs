// What one side's lines and recordings say about a call. The same sums for every peer, so that they can be compared.
import { existsSync, readFileSync } from "node:fs";

const RATE = 48000;
/** A side that has declared one of these sends no live picture: what does not move then is no freeze. */
const NO_LIVE_PICTURE = new Set(["none", "sound-only", "stills"]);
/** A picture after a longer gap is a still. */
const STILL_AFTER_MS = 2000;

/** A recording whose time is further from the wall's tells no delays. A browser's comes in pieces of 100 ms. */
export const WAV_OFF_MOST_MS = 150;

/** The figures of one side. `far` is the other one's lines, `outage` its begin and end on the wall clock, if there was one. */
export function figures(side, far, { signalled, ended, outage, wav }) {
  const end = side.end ?? {};
  const connected = end.connected ?? side.connected;
  if (!connected) return { connected: false, error: side.error ?? null };
  const seconds = (ended - connected) / 1000;
  const sound = soundOf(end.stats);
  const frames = (end.frames ?? []).filter((at) => at <= ended);
  const quiet = declared(far.lines);
  const gaps = frozen(frames, ended, quiet);
  const buffer = bufferOf(side.lines).sort((a, b) => a - b);
  const at = (share) => buffer[Math.min(buffer.length - 1, Math.floor(buffer.length * share))] ?? null;
  return {
    connected: true,
    error: side.error ?? null,
    connect_ms: connected - signalled,
    first_frame_ms: frames.length > 0 ? (end.first_frame ?? frames[0]) - connected : null,
    seconds,
    concealed_pct: sound.played > 0 ? (100 * sound.concealed) / sound.played : null,
    restored_pct: sound.played > 0 ? (100 * sound.restored) / sound.played : null,
    // Of the call's whole time: a player that rests counts as having nothing, too.
    missing_pct: 100 * Math.max(0, 1 - (sound.played - sound.concealed) / (seconds * RATE)),
    buffer_p50_ms: at(0.5),
    buffer_p95_ms: at(0.95),
    frames: frames.length,
    fps: frames.length / seconds,
    frozen_s: gaps.frozen,
    frozen_all_s: gaps.all,
    own_frozen_s: end.stats?.picture?.totalFreezesDuration ?? null,
    longest_gap_s: gaps.longest,
    stills: frames.filter((time, n) => time - (frames[n - 1] ?? connected) > STILL_AFTER_MS).length,
    still_by_data: stillsByData(end.stats),
    sizes: (end.sizes ?? []).map(([time, width, height]) => [Math.round(time - connected), width, height]),
    rungs: rungs(side.lines, connected),
    // Recorded time against the wall's: what is read off the recording is no better than this.
    wav_off_ms: recorded(wav, ((end.stopped ?? ended) - connected) / 1000),
    cpu_s: end.cpu_s ?? null,
    peak_mb: end.peak_mb ?? null,
    ...(outage ? recovery(frames, connected, { ...end, ended }, outage, wav) : {}),
  };
}

function soundOf(stats) {
  if (stats?.sound) {
    const { totalSamplesReceived, concealedSamples } = stats.sound;
    return { played: totalSamplesReceived ?? 0, concealed: concealedSamples ?? 0, restored: 0 };
  }
  const played = stats?.audio_samples ?? 0;
  const concealed = ((stats?.audio_concealed_ppm ?? 0) * played) / 1e6;
  return { played, concealed, restored: stats?.audio_recovered_samples ?? 0 };
}

/** Delay of the jitter buffer over the call, in ms; Chromium's is the mean of each second. */
function bufferOf(lines) {
  const all = lines.filter((line) => line.stats).map((line) => line.stats);
  if (!all.some((stats) => stats.sound)) {
    return all.filter((stats) => stats.audio_samples > 0 && stats.connected).map((stats) => stats.jitter_buffer_ms);
  }
  const means = [];
  let last = null;
  for (const { sound } of all) {
    if (last && sound.jitterBufferEmittedCount - last.jitterBufferEmittedCount < RATE) continue;
    if (last) {
      const delay = sound.jitterBufferDelay - last.jitterBufferDelay;
      means.push((1000 * delay) / (sound.jitterBufferEmittedCount - last.jitterBufferEmittedCount));
    }
    last = sound;
  }
  return means;
}

/** The stretches of time in which a side says that it sends no live picture. */
function declared(lines) {
  const stretches = [];
  let since = null;
  for (const { stats, t } of lines) {
    if (!stats) continue;
    const none = NO_LIVE_PICTURE.has(stats.rung);
    if (none) since ??= t;
    else if (since !== null) {
      stretches.push([since, t]);
      since = null;
    }
  }
  if (since !== null) stretches.push([since, Infinity]);
  return stretches;
}

/** Freezes as webrtc-stats has them: a gap above three mean gaps and above the mean and 150 ms; the mean is of the last 30. */
function frozen(frames, ended, quiet) {
  const sums = { frozen: 0, all: 0, longest: 0 };
  const gaps = [];
  for (const [n, time] of [...frames.slice(1), ended].entries()) {
    const [from, gap] = [frames[n], time - frames[n]];
    const mean = gaps.reduce((sum, one) => sum + one, 0) / gaps.length;
    sums.longest = Math.max(sums.longest, gap / 1000);
    if (gaps.length > 0 && gap > Math.max(3 * mean, mean + 150)) {
      sums.all += gap / 1000;
      const excused = quiet.reduce((sum, [begin, end]) => sum + Math.max(0, Math.min(end, time) - Math.max(begin, from)), 0);
      sums.frozen += Math.max(0, gap - excused) / 1000;
    }
    gaps.push(gap);
    if (gaps.length > 30) gaps.shift();
  }
  return sums;
}

/** Stills that came beside the picture's stream, by whatever names the figures have for them. */
function stillsByData(stats) {
  const entry = Object.entries(stats ?? {}).find(([name]) => /still.*(received|seen|in)|(received|seen).*still/.test(name));
  return entry ? entry[1] : null;
}

function rungs(lines, connected) {
  const changes = [];
  for (const { stats, t } of lines) {
    if (stats?.rung && changes.at(-1)?.[1] !== stats.rung) changes.push([Math.round(t - connected), stats.rung]);
  }
  return changes;
}

/** How long after an outage sound and picture are there again, and how the picture moves in the last 10 s. */
function recovery(frames, connected, { ended, stopped }, outage, wav) {
  const picture = frames.find((time) => time > outage.end);
  const timed = Math.abs(recorded(wav, ((stopped ?? ended) - connected) / 1000)) <= WAV_OFF_MOST_MS;
  const last = frames.filter((time) => time > ended - 10000).length / 10;
  return {
    sound_back_ms: timed ? soundAfter(wav, (outage.end - connected) / 1000) : null,
    picture_back_ms: picture ? picture - outage.end : null,
    fps_after: last,
  };
}

function recorded(file, seconds) {
  return file && existsSync(file) ? ((readFileSync(file).length - 44) / 2 / RATE - seconds) * 1000 : null;
}

/** Milliseconds from a time in a recording to the first 20 ms that are louder than -50 dB of the most. */
function soundAfter(file, second) {
  if (!file || !existsSync(file)) return null;
  const bytes = readFileSync(file);
  const samples = new Int16Array(bytes.buffer, bytes.byteOffset + 44, (bytes.length - 44) >> 1);
  const block = RATE / 50;
  for (let at = Math.round(second * RATE); at + block <= samples.length; at += block) {
    const power = samples.subarray(at, at + block).reduce((sum, one) => sum + one * one, 0) / block;
    if (Math.sqrt(power) > 32768 * 10 ** (-50 / 20)) return ((at + block) / RATE - second) * 1000;
  }
  return null;
}
