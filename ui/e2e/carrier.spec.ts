// Every screen of the carrier's window, opened once a language: axe in each mode, targets for gloves, 911 in two
// taps, and text at 200 % on 320 px, in a context that is not a phone (emulation widens the viewport and hides overflow).

import { expect, test, type Page } from "@playwright/test";
import { badTargets, GAP, LEAST, overflowing, violationsInEveryMode } from "./measure";
import { show } from "./open";
import { SCREENS, type Shot } from "./screens";

test.use({ isMobile: false });

for (const language of ["en", "es"] as const) {
  for (const shot of SCREENS) {
    test(`${shot.name} (${language})`, async ({ page }) => {
      await show(page, shot, { language });
      expect.soft(await violationsInEveryMode(page, ["dark", "sun"])).toEqual([]);
      expect.soft(await badTargets(page)).toEqual([]);
      await expectNothingIsCut(page);
      if (!shot.name.startsWith("emergency")) await expectHelpInTwoTaps(page, shot);
    });
  }
}

/** Large text on the narrowest phone, then the phone on its side. */
async function expectNothingIsCut(page: Page) {
  const scale = (size: number) => page.evaluate((value) => document.documentElement.style.setProperty("--text-scale", String(value)), size);
  const before = page.viewportSize() ?? { width: 390, height: 844 };
  await page.setViewportSize({ width: 320, height: 640 });
  await scale(2);
  for (const theme of ["light", "sun"]) {
    await page.evaluate((name) => (document.documentElement.dataset["theme"] = name), theme);
    expect.soft(await overflowing(page), `320 px, 200 %, ${theme}`).toEqual([]);
  }
  await page.evaluate(() => {
    document.documentElement.dataset["theme"] = "light";
    scrollTo(0, 0);
  });
  const sos = page.locator(".sos .button");
  await expect(sos).toBeInViewport({ ratio: 1 });
  const lines = await sos.locator("span").evaluate((span) => span.getBoundingClientRect().height / parseFloat(getComputedStyle(span).lineHeight));
  expect.soft(lines).toBeLessThan(1.5);
  // The card's own button: the second tap needs no scrolling.
  const call = page.getByTestId("emergency-call");
  if ((await call.count()) > 0) await expect.soft(call).toBeInViewport({ ratio: 1 });
  await page.setViewportSize({ width: 844, height: 390 });
  await scale(1);
  expect.soft(await overflowing(page), "on its side").toEqual([]);
  await page.setViewportSize(before);
}

async function expectHelpInTwoTaps(page: Page, shot: Shot) {
  const button = page.getByTestId("emergency");
  await expect(button).toBeInViewport({ ratio: 1 });
  const primary = page.locator(".dock .button--primary:visible").first();
  if (await primary.isVisible()) {
    const [own, other] = [await button.boundingBox(), await primary.boundingBox()];
    expect((own?.y ?? 0) - ((other?.y ?? 0) + (other?.height ?? 0))).toBeGreaterThanOrEqual(GAP);
  }
  expect((await button.boundingBox())?.height).toBeGreaterThanOrEqual(LEAST);
  await page.evaluate(() => {
    const link = { dialled: "" };
    Object.assign(window, { link });
    const tauri = (window as never as { __TAURI_INTERNALS__: { invoke: (c: string, a: { number?: string }) => Promise<unknown> } }).__TAURI_INTERNALS__;
    const invoke = tauri.invoke;
    tauri.invoke = (command, args) => {
      if (command === "dial") link.dialled = args.number ?? "";
      return invoke(command, args);
    };
  });

  await button.click();
  const call = page.getByTestId("emergency-call");
  await expect(call).toHaveAttribute("href", "tel:911");
  await expect(call).toBeInViewport();
  await call.click();

  expect(await page.evaluate(() => (window as never as { link: { dialled: string } }).link.dialled)).toBe("911");
  await page.getByTestId("emergency-back").click();
  await expect(page.getByTestId(shot.ready).first()).toBeVisible();
}
