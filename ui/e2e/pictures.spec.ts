import { test } from "@playwright/test";
import { show, type Look } from "./open";
import { SCREENS } from "./screens";

// Pictures to look at, not to compare: PICTURES=en-light,es-sun npm run e2e -- pictures
const looks = (process.env["PICTURES"] ?? "").split(",").filter(Boolean);
const only = process.env["ONLY"];

for (const look of looks) {
  const [language, theme] = look.split("-") as [Look["language"], Look["theme"]];
  for (const shot of SCREENS.filter(({ name }) => !only || new RegExp(only).test(name))) {
    test(`${look} ${shot.name}`, async ({ page }) => {
      await show(page, shot, { language, theme });
      await page.waitForTimeout(50);
      await page.screenshot({ path: `e2e/pictures/${look}/${shot.name}.png` });
    });
  }
}
