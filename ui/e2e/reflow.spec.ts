// Text at 200 % on 320 px, in a context that is not a phone: emulation widens the viewport and hides overflow.

import { expect, test, type Page } from "@playwright/test";
import { show } from "./open";
import { SCREENS } from "./screens";

/** What sticks out at the right, or cuts its own text. */
function overflowing(page: Page) {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const name = (element: Element) => `${element.tagName}.${element.getAttribute("class") ?? ""} "${(element.textContent ?? "").slice(0, 40)}"`;
    const out: string[] = [];
    for (const element of document.querySelectorAll("body *")) {
      if (element.closest(".hidden-visually, svg, [hidden], .behind")) continue;
      const style = getComputedStyle(element);
      if (style.display === "none" || style.opacity === "0") continue;
      const box = element.getBoundingClientRect();
      if (box.width === 0) continue;
      if (box.right > width + 0.5 || box.left < -0.5) out.push(`beyond ${Math.round(box.right)}: ${name(element)}`);
      const clips = style.overflowX !== "visible" && element.scrollWidth > element.clientWidth + 1;
      if (clips && element.tagName !== "INPUT") out.push(`cut: ${name(element)}`);
    }
    return out;
  });
}

// English as it is first seen, and the longest words in the largest mode.
for (const look of [{ language: "en", theme: "light" }, { language: "es", theme: "sun" }] as const) {
  test.describe(`320 px, text 200 %, ${look.language} ${look.theme}`, () => {
    test.use({ viewport: { width: 320, height: 640 }, isMobile: false });
    for (const shot of SCREENS) {
      test(shot.name, async ({ page }) => {
        await page.addInitScript(() => localStorage.setItem("text-size", "200"));
        await show(page, shot, look);
        expect(await overflowing(page)).toEqual([]);
        const sos = page.locator(".sos .button");
        await expect(sos).toBeInViewport({ ratio: 1 });
        const lines = await sos.locator("span").evaluate((span) => span.getBoundingClientRect().height / parseFloat(getComputedStyle(span).lineHeight));
        expect(lines).toBeLessThan(1.5);

        await page.setViewportSize({ width: 844, height: 390 });
        await page.evaluate(() => document.documentElement.style.setProperty("--text-scale", "1"));
        expect(await overflowing(page)).toEqual([]);
      });
    }
  });
}
