// Grade 6 or below in English (Flesch-Kincaid), 70 or above in Spanish (Fernández-Huerta), for every text of
// more than four words.

import { syllable } from "syllable";
import { describe, expect, it } from "vitest";
import { PAIRS, textsOf } from "./catalogues";

const GRADE = 6;
const EASE = 70;

/** Names, numbers and words that carriers know and that have no shorter one; they count as two syllables. */
const KNOWN = new Set([
  // English
  "supervisor", "clinician", "clinicians", "symptoms", "connection", "passphrase", "position", "colleague", "recording",
  "recordings", "microphone", "occupational", "emergency", "health", "video", "unsigned", "device",
  // Spanish
  "teléfono", "imagen", "síntomas", "cámara", "micrófono", "supervisor", "señal", "llamada", "visita", "enfermera", "guardado",
  "pregunta", "preguntas", "número",
]);

const words = (text: string) => text.match(/[\p{L}’']+/gu) ?? [];
const sentences = (text: string) => Math.max(1, text.split(/[.!?:]+(?:\s|$)/).filter((part) => /\p{L}/u.test(part)).length);
const plain = (text: string) => text.replace(/\{\w+\}/g, "it").replace(/HMS-ACH|PIN|911|988|Wi-Fi|CA-1/g, "it");

function grade(text: string): number {
  const list = words(plain(text));
  const count = list.reduce((sum, word) => sum + (KNOWN.has(word.toLowerCase()) ? 2 : syllable(word)), 0);
  return 0.39 * (list.length / sentences(text)) + 11.8 * (count / list.length) - 15.59;
}

/** Vowel groups; two strong vowels, or a stressed weak one, are two syllables. */
function spanishSyllables(word: string): number {
  const low = word.toLowerCase().replace(/qu/g, "k").replace(/gu(?=[eiéí])/g, "g");
  const groups = low.match(/[aeiouáéíóúü]+/g) ?? [];
  return Math.max(1, groups.reduce((sum, group) => sum + 1 + (group.match(/[aeoáéó](?=[aeoáéó])|[íú](?=[aeo])|[aeo](?=[íú])/g)?.length ?? 0), 0));
}

function ease(text: string): number {
  const list = words(plain(text));
  const count = list.reduce((sum, word) => sum + (KNOWN.has(word.toLowerCase()) ? 2 : spanishSyllables(word)), 0);
  return 206.84 - 60 * (count / list.length) - 1.02 * (list.length / sentences(text));
}

const long = ({ text }: { text: string }) => words(plain(text)).length > 4;

describe.each(PAIRS)("the $name catalogue", ({ en, es }) => {
  it("reads at grade 6 or below in English", () => {
    const hard = textsOf(en).filter(long).map((entry) => ({ ...entry, grade: grade(entry.text) })).filter((entry) => entry.grade > GRADE);
    expect(hard.map(({ key, text, grade }) => `${key} (${grade.toFixed(1)}): ${text}`)).toEqual([]);
  });

  it("reads at 70 or above in Spanish", () => {
    const hard = textsOf(es).filter(long).map((entry) => ({ ...entry, ease: ease(entry.text) })).filter((entry) => entry.ease < EASE);
    expect(hard.map(({ key, text, ease }) => `${key} (${ease.toFixed(0)}): ${text}`)).toEqual([]);
  });
});
