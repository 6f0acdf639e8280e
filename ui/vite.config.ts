import react from "@vitejs/plugin-react";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// One page per window of the app. UI_PAGES builds only some of them, UI_DIST elsewhere.
const pages = (process.env["UI_PAGES"] ?? "carrier,staff").split(",").filter((name) => existsSync(here(`${name}.html`)));

export default defineConfig(({ mode }) => ({
  root: here("."),
  // The fake that answers with recorded values is only in the build for a plain browser.
  define: { __FAKE__: JSON.stringify(mode !== "production") },
  plugins: [react()],
  build: {
    target: ["es2022", "safari16"],
    outDir: process.env["UI_DIST"] ?? (mode === "browser" ? "dist-browser" : "dist"),
    emptyOutDir: true,
    // The window's content policy allows no data: fonts or scripts.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 400,
    rolldownOptions: {
      input: Object.fromEntries(pages.map((name) => [name, here(`${name}.html`)])),
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
