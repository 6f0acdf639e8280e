// @vitest-environment node
// Contrast of the tokens: text 7:1 in every mode, lines and focus 3:1.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const css = readFileSync(fileURLToPath(new URL("../src/base/styles/tokens.css", import.meta.url)), "utf8");

function tokensOf(selector: string): Map<string, string> {
  const start = css.indexOf("{", css.indexOf(selector)) + 1;
  const block = css.slice(start, css.indexOf("}", start));
  return new Map([...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map(([, name, value]) => [name ?? "", value ?? ""]));
}

function luminance(colour: string): number {
  const part = (at: number) => {
    const value = parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
}

function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const GROUNDS = ["ground", "raised"];
const TEXT: [string, string[]][] = [
  ["text", [...GROUNDS, "chosen", "warn-ground", "danger-ground", "ok-ground"]],
  ["soft", GROUNDS],
  ["primary", GROUNDS],
  ["on-primary", ["primary"]],
  ["danger", [...GROUNDS, "danger-ground"]],
  ["on-danger", ["danger"]],
  ["ok", [...GROUNDS, "ok-ground"]],
  ["warn", [...GROUNDS, "warn-ground"]],
  ["on-picture", ["picture"]],
];

describe.each([
  ["light", '[data-theme="light"]'],
  ["dark", '[data-theme="dark"]'],
  ["dark by the system", '[data-theme="auto"]'],
  ["sun", '[data-theme="sun"]'],
])("%s", (_, selector) => {
  const tokens = tokensOf(selector);
  const of = (name: string) => {
    const value = tokens.get(name);
    if (!value) throw new Error(`no token ${name}`);
    return value;
  };

  it("has text at 7:1", () => {
    const weak = TEXT.flatMap(([text, grounds]) => grounds.map((ground) => ({ text, ground, ratio: contrast(of(text), of(ground)) })));
    expect(weak.filter(({ ratio }) => ratio < 7)).toEqual([]);
  });

  it("has lines and focus at 3:1", () => {
    const weak = ["line", "focus"].flatMap((name) => GROUNDS.map((ground) => ({ name, ground, ratio: contrast(of(name), of(ground)) })));
    expect(weak.filter(({ ratio }) => ratio < 3)).toEqual([]);
  });
});
