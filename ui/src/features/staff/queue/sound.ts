// The sound of an urgent case, made here: no file, no network.

const OFF = "staff-sound-off";
const watchers = new Set<() => void>();
let context: AudioContext | null = null;

/** Whether alerts sound on this computer. */
export const soundOn = (): boolean => localStorage.getItem(OFF) === null;

/** Turns the sound of alerts on or off. */
export function setSoundOn(on: boolean): void {
  if (on) localStorage.removeItem(OFF);
  else localStorage.setItem(OFF, "yes");
  watchers.forEach((watcher) => watcher());
}

/** Tells when the sound was turned on or off. */
export function watchSound(changed: () => void): () => void {
  watchers.add(changed);
  return () => watchers.delete(changed);
}

/** A web view plays no sound before the first touch or key: the sound is made ready by it. */
export function unlockSoundOnFirstTouch(): () => void {
  const ready = () => void open()?.resume().catch(() => undefined);
  addEventListener("pointerdown", ready, { once: true });
  addEventListener("keydown", ready, { once: true });
  return () => {
    removeEventListener("pointerdown", ready);
    removeEventListener("keydown", ready);
  };
}

/** Three rising tones. A computer without sound stays silent: the words are on the screen. */
export function beep(): void {
  const audio = open();
  if (!audio) return;
  void audio.resume().catch(() => undefined);
  [660, 880, 1100].forEach((pitch, index) => {
    const at = audio.currentTime + index * 0.18;
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.0001, at);
    volume.gain.exponentialRampToValueAtTime(0.3, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.16);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.17);
  });
}

function open(): AudioContext | null {
  if (typeof AudioContext === "undefined") return null;
  try {
    context ??= new AudioContext();
  } catch {
    return null;
  }
  return context;
}
