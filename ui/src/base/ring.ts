// A ring that needs no file: two tones and a shake, until the screen goes.

import { useEffect } from "react";

const AGAIN_MS = 2500;
const TONES = [{ hertz: 660, at: 0 }, { hertz: 880, at: 0.35 }] as const;
const TONE_S = 0.3;
const LOUDNESS = 0.25;

/** Rings while the component is shown. A device that plays nothing before a first touch stays silent. */
export function useRing(): void {
  useEffect(() => {
    if (typeof AudioContext === "undefined") return;
    const sound = new AudioContext();
    const ring = () => {
      navigator.vibrate?.([300, 150, 300]);
      for (const { hertz, at } of TONES) playTone(sound, hertz, sound.currentTime + at);
    };
    ring();
    const timer = setInterval(ring, AGAIN_MS);
    return () => {
      clearInterval(timer);
      void sound.close();
    };
  }, []);
}

function playTone(sound: AudioContext, hertz: number, at: number): void {
  const tone = sound.createOscillator();
  const volume = sound.createGain();
  tone.frequency.value = hertz;
  // A soft start and end: a tone cut hard clicks.
  volume.gain.setValueAtTime(0, at);
  volume.gain.linearRampToValueAtTime(LOUDNESS, at + 0.03);
  volume.gain.linearRampToValueAtTime(0, at + TONE_S);
  tone.connect(volume).connect(sound.destination);
  tone.start(at);
  tone.stop(at + TONE_S);
}
