// What two versions say, part by part, in the words of the screen.

import type { useCodes } from "../../base/i18n/codes";
import type { Formats } from "../../base/i18n/format";
import type { SharedWords } from "../../base/i18n/shared";
import type { Translate } from "../../base/i18n";
import type { VersionView } from "../../ipc/bindings";
import { statusWords, type VersionWords } from "./words";

/** One part of a record as either version has it. `free`: in a person's own words. */
export type Part = { key: string; name: string; mine: string; theirs: string; differs: boolean; free: boolean };

type Say = { t: VersionWords; shared: Translate<SharedWords>; f: Formats; code: ReturnType<typeof useCodes> };

/** Parts that at least one version has. What both lack is left out. */
export function partsOf(say: Say, mine: VersionView | null, theirs: VersionView | null): Part[] {
  const [here, there] = [factsOf(say, mine), factsOf(say, theirs)];
  return KEYS.map((key) => {
    const [a, b] = [here[key] ?? "", there[key] ?? ""];
    return { key, name: say.t(`versions.part.${key}`), mine: a, theirs: b, differs: a !== b, free: FREE.has(key) };
  }).filter((part) => part.mine !== "" || part.theirs !== "");
}

const KEYS = ["for", "what", "where", "safe", "when", "place", "position", "witness", "note", "words", "starts", "status"] as const;

/** Only own words are compared word by word: one answer of a list is another one as a whole. */
const FREE = new Set<string>(["place", "witness", "note", "words"]);

type Facts = Partial<Record<(typeof KEYS)[number], string | null>>;

function factsOf({ t, shared, f, code }: Say, version: VersionView | null): Facts {
  if (!version) return {};
  const { said } = version;
  return {
    // A report that was sent is always "completed": that says nothing to a person.
    status: said || !version.status ? null : statusWords(t, version.status),
    starts: f.stamp(version.starts_at),
    words: version.words,
    ...(said && {
      for: said.colleague,
      what: shared(`what.${said.what}`),
      where: code.places(said.places),
      safe: shared(`safe.${said.safe}`),
      when: f.stamp(said.happened_at),
      place: said.place_text,
      position: said.position && f.position(said.position),
      witness: said.witness,
      note: said.note,
    }),
  };
}

/** A text cut into runs of words that the other one has too, and runs that only this one has. */
export type Run = { text: string; own: boolean };

/** Longest texts, in words, that are compared word by word. */
const LONGEST = 400;

/** Marks what `text` has and `other` has not, word by word (longest common subsequence). */
export function runsOf(text: string, other: string): Run[] {
  const [a, b] = [text.split(/(?<=\s)/), other.split(/(?<=\s)/)];
  if (a.length > LONGEST || b.length > LONGEST) return [{ text, own: text !== other }];
  const word = (token: string | undefined) => token?.trim();
  // `left[i][j]`: how many words the rest of `a` from i and the rest of `b` from j have in common.
  const left = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  const at = (i: number, j: number) => left[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      left[i]![j] = word(a[i]) === word(b[j]) ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const runs: Run[] = [];
  const put = (token: string, own: boolean) => {
    const last = runs.at(-1);
    if (last?.own === own) last.text += token;
    else runs.push({ text: token, own });
  };
  for (let i = 0, j = 0; i < a.length; ) {
    const token = a[i] ?? "";
    if (j < b.length && word(token) === word(b[j])) {
      put(token, false);
      i++;
      j++;
    } else if (j < b.length && at(i, j + 1) >= at(i + 1, j)) {
      j++;
    } else {
      put(token, true);
      i++;
    }
  }
  return runs;
}
