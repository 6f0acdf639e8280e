import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

type Tape = { at?: number };

const read = (name: string): string => readFileSync(resolve(import.meta.dirname, `../src/ipc/recorded/${name}.json`), "utf8");

/** A tape as the page plays it: the one of the language, where there is one. */
export function tapeOf(name: string, language: string): unknown {
  const own = `${name}_${language}`;
  return JSON.parse(read(existsSync(resolve(import.meta.dirname, `../src/ipc/recorded/${own}.json`)) ? own : name));
}

/** When a tape was recorded: the page's clock starts there, so that "12 min ago" is as it was. */
export function recordedAt(name: string): Date {
  return new Date((JSON.parse(read(name)) as Tape).at ?? Date.UTC(2026, 10, 21, 17, 30));
}
