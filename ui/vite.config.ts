import react from "@vitejs/plugin-react";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// One page per window of the app. UI_PAGES builds only some of them, UI_DIST elsewhere.
// Mode `desk` builds the page that a server gives to browsers.
const pagesOf = (mode: string) => (process.env["UI_PAGES"] ?? (mode === "desk" ? "desk" : "carrier,staff")).split(",").filter((name) => existsSync(here(`${name}.html`)));

const version = (JSON.parse(readFileSync(here("package.json"), "utf8")) as { version: string }).version;

export default defineConfig(({ mode }) => ({
  root: here("."),
  base: mode === "desk" ? "/staff/" : "/",
  // The fake that answers with recorded values is only in the build for a plain browser.
  define: {
    __FAKE__: JSON.stringify(mode !== "production" && mode !== "desk"),
    __STAFF_PAGE__: JSON.stringify(mode === "desk"),
    __VERSION__: JSON.stringify(version),
  },
  plugins: [react()],
  build: {
    target: ["es2022", "safari16"],
    outDir: process.env["UI_DIST"] ?? ({ browser: "dist-browser", desk: "dist-desk" }[mode] ?? "dist"),
    emptyOutDir: true,
    // The window's content policy allows no data: fonts or scripts.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 400,
    rolldownOptions: {
      input: Object.fromEntries(pagesOf(mode).map((name) => [name, here(`${name}.html`)])),
    },
  },
  server: { port: 5173, strictPort: true },
  preview: { port: Number(process.env["UI_PORT"] ?? 4173), strictPort: true },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}", "test/**/*.test.{ts,tsx}"],
    setupFiles: [here("test/setup.ts")],
    restoreMocks: true,
    testTimeout: 30_000,
  },
}));
