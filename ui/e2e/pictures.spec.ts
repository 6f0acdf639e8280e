// Pictures to look at, not to compare: PICTURES=en,es npx playwright test pictures. ONLY names screens by a pattern.

import { test, type Page } from "@playwright/test";
import { show } from "./open";
import { SCREENS, type Language } from "./screens";
import { showStaff, STAFF_SCREENS } from "./staff.screens";

const languages = (process.env["PICTURES"] ?? "").split(",").filter(Boolean) as Language[];
const modes = (process.env["MODES"] ?? "light,dark,sun,forced,narrow").split(",");
const only = new RegExp(process.env["ONLY"] ?? "");

for (const language of languages) {
  for (const shot of SCREENS.filter(({ name }) => only.test(name))) {
    test(`${language} ${shot.name}`, async ({ page }) => {
      await show(page, shot, { language });
      await inEachMode(page, `carrier-${language}`, shot.name, { width: 390, height: 844 }, { width: 320, height: 640 });
    });
  }
  for (const shot of STAFF_SCREENS.filter(({ name }) => only.test(name))) {
    test(`${language} staff ${shot.name}`, async ({ page }) => {
      await page.setViewportSize({ width: 1440, height: 900 });
      await showStaff(page, shot, { language });
      await inEachMode(page, `staff-${language}`, shot.name, { width: 1440, height: 900 }, { width: 800, height: 1000 });
    });
  }
}

type Size = { width: number; height: number };

/** Colours by mode; `narrow` is the smallest window with text at 200 %. */
async function inEachMode(page: Page, folder: string, name: string, usual: Size, narrow: Size) {
  for (const mode of modes) {
    const theme = ["dark", "sun"].includes(mode) ? mode : "light";
    const scale = mode === "narrow" ? "2" : "1";
    await page.emulateMedia({ forcedColors: mode === "forced" ? "active" : "none" });
    await page.evaluate(([theme, scale]) => {
      document.documentElement.dataset["theme"] = theme;
      document.documentElement.style.setProperty("--text-scale", scale ?? "1");
    }, [theme, scale]);
    // After the size of the text: columns are counted when the window changes.
    await page.setViewportSize(mode === "narrow" ? narrow : usual);
    await page.waitForTimeout(60);
    await page.screenshot({ path: `e2e/pictures/${folder}-${mode}/${name}.png` });
  }
}
