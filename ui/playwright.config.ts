import { defineConfig } from "@playwright/test";

const port = Number(process.env["UI_PORT"] ?? 4173);

export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results",
  // Two: the pages wait more than they work, and there are two cores at least.
  workers: 2,
  fullyParallel: true,
  reporter: [["list"]],
  timeout: 120_000,
  // A busy machine is slow, not wrong: what is waited for must come, not come at once.
  expect: { timeout: 20_000 },
  use: {
    baseURL: `http://127.0.0.1:${port}`,
    viewport: { width: 390, height: 844 },
    timezoneId: "America/Chicago",
    launchOptions: {
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
      ],
    },
  },
  webServer: {
    command: "npm run preview -- --host 127.0.0.1",
    url: `http://127.0.0.1:${port}/carrier.html`,
    reuseExistingServer: true,
  },
});
