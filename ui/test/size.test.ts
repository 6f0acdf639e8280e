// @vitest-environment node
// What the carrier's window loads before it is of use: JS at most 110 kB, CSS at most 12 kB, gzipped.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { afterAll, beforeAll, expect, it, vi } from "vitest";

type Chunk = { file: string; imports?: string[]; dynamicImports?: string[]; css?: string[]; src?: string };
const ui = fileURLToPath(new URL("..", import.meta.url));
const out = mkdtempSync(join(tmpdir(), "hms-ach-ui-"));
let manifest: Record<string, Chunk> = {};

const kB = (file: string) => gzipSync(readFileSync(join(out, file))).length / 1000;

beforeAll(async () => {
  // The test runner sets "test", and React then brings its helps for development.
  vi.stubEnv("NODE_ENV", "production");
  await build({
    root: ui,
    mode: "production",
    logLevel: "silent",
    build: { outDir: out, manifest: true },
  });
  manifest = JSON.parse(readFileSync(join(out, ".vite/manifest.json"), "utf8"));
}, 60_000);

afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(out, { recursive: true, force: true });
});

/** A chunk and everything that it imports at once. */
function closure(key: string, seen = new Set<string>()): Set<string> {
  const chunk = manifest[key];
  if (!chunk || seen.has(key)) return seen;
  seen.add(key);
  chunk.imports?.forEach((next) => closure(next, seen));
  return seen;
}

it("keeps the carrier's first screen small", () => {
  const keys = closure("carrier.html");
  for (const words of ["src/words/shared.es.ts", "src/words/carrier.es.ts"]) closure(words, keys);
  const chunks = [...keys].map((key) => manifest[key]).filter((chunk) => chunk !== undefined);
  const js = chunks.filter(({ file }) => file.endsWith(".js")).reduce((sum, { file }) => sum + kB(file), 0);
  const css = new Set(chunks.flatMap((chunk) => chunk.css ?? []));

  expect(js).toBeLessThan(110);
  expect([...css].reduce((sum, file) => sum + kB(file), 0)).toBeLessThan(12);
});

it("leaves the fake and its tapes out of the app", () => {
  const all = Object.values(manifest).map(({ file }) => readFileSync(join(out, file), "utf8")).join("");
  expect(Object.keys(manifest).filter((key) => /fake|recorded/.test(key))).toEqual([]);
  expect(all).not.toContain("Dana Whitfield");
});
