import { defineConfig } from "@playwright/test";
import base from "./playwright.config";

// The staff page of a real server, with a browser's made-up camera and a carrier's app without a window.
export default defineConfig({
  ...base,
  testDir: "e2e-desk",
  workers: 1,
  webServer: [],
  use: {
    ...base.use,
    viewport: { width: 1280, height: 900 },
    // The server made its own authority.
    ignoreHTTPSErrors: true,
    permissions: ["camera", "microphone"],
    launchOptions: {
      ...base.use?.launchOptions,
      args: [...(base.use?.launchOptions?.args ?? []), "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
    },
  },
});
