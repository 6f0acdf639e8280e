// Pictures to look at, not checks: PICTURES=en,es MODES=light,dark,narrow npx playwright test --config desk.playwright.config.ts pictures

import { expect, test } from "@playwright/test";
import { World } from "./world";

const languages = (process.env["PICTURES"] ?? "").split(",").filter(Boolean);
const modes = (process.env["MODES"] ?? "light").split(",");

if (languages.length > 0) test("the staff page, signed out, at the queue and in a call", async ({ page, browser }) => {
  test.setTimeout(300_000);
  const world = await World.open();
  try {
    await world.signInCarrier(browser);
    await world.ach(["report", "--what", "animal", "--where", "hand:left", "--note", "Dog at the gate"]);
    await world.ach(["sync"]);
    const shot = (name: string) => page.screenshot({ path: `e2e/pictures/desk-${name}.png`, fullPage: true });
    for (const language of languages) {
      for (const mode of modes) {
        await page.setViewportSize(mode === "narrow" ? { width: 320, height: 900 } : { width: 1280, height: 900 });
        const { username, password } = world.person("clinician");
        await page.goto(`${world.demo.base_url}/staff`);
        await page.getByTestId("set-language").selectOption(language);
        await page.getByTestId("set-theme").selectOption(mode === "dark" ? "dark" : "light");
        await shot(`out-${language}-${mode}`);
        await page.getByTestId("page-sign-in").click();
        await page.locator("input[name=username]").fill(username);
        await page.locator("input[name=password]").fill(password);
        await page.locator("button[type=submit]").click();
        await page.getByTestId("set-language").selectOption(language);
        await page.getByTestId("set-theme").selectOption(mode === "dark" ? "dark" : "light");
        await page.getByTestId("queue").getByRole("link", { name: /Dana Reyes/ }).first().click();
        await expect(page.getByTestId("chart-name")).toContainText("Dana Reyes");
        await shot(`chart-${language}-${mode}`);
        const call = world.ach(["visit", "join", "--seconds", "60"]);
        await expect(page.getByTestId("call-reach")).toHaveClass(/state--ok/, { timeout: 60_000 });
        await page.getByTestId("visit-call").click();
        await expect.poll(async () => Number(await page.getByTestId("visit-remote").getAttribute("data-frames")), { timeout: 60_000 }).toBeGreaterThan(10);
        await shot(`call-${language}-${mode}`);
        await page.getByTestId("visit-leave").click();
        await call;
      }
    }
  } finally {
    await world.close();
  }
});
