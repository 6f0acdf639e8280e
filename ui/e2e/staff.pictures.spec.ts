import { test } from "@playwright/test";
import { showStaff, STAFF_SCREENS, type StaffLook } from "./staff.screens";

// Pictures to look at, not to compare: PICTURES=en-light-1440,es-dark-800 npx playwright test staff.pictures
const looks = (process.env["PICTURES"] ?? "").split(",").filter(Boolean);
const only = process.env["ONLY"];

for (const look of looks) {
  const [language, theme, width] = look.split("-") as [StaffLook["language"], StaffLook["theme"], string];
  const narrow = width === "800";
  for (const shot of STAFF_SCREENS.filter(({ name }) => !only || new RegExp(only).test(name))) {
    test(`${look} ${shot.name}`, async ({ page }) => {
      await page.setViewportSize({ width: Number(width), height: narrow ? 1000 : 900 });
      await showStaff(page, shot, { language, theme, text: narrow ? 200 : 100 });
      await page.waitForTimeout(400);
      await page.screenshot({ path: `e2e/pictures/staff-${look}/${shot.name}.png` });
    });
  }
}
