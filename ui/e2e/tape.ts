import { readFileSync } from "node:fs";
import { resolve } from "node:path";

type Tape = { at?: number };

/** When a tape was recorded: the page's clock starts there, so that "12 min ago" is as it was. */
export function recordedAt(name: string): Date {
  const text = readFileSync(resolve(import.meta.dirname, `../src/ipc/recorded/${name}.json`), "utf8");
  return new Date((JSON.parse(text) as Tape).at ?? Date.UTC(2026, 10, 21, 17, 30));
}
