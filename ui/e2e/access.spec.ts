import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";
import { show } from "./open";
import { SCREENS } from "./screens";

/** What axe finds, with where. */
async function violations(page: Page, mode: string, without: string[] = []) {
  const found = await new AxeBuilder({ page }).disableRules(without).analyze();
  return found.violations.map(({ id, nodes }) => ({ mode, id, at: nodes.map(({ html }) => html.slice(0, 160)) }));
}

for (const language of ["en", "es"] as const) {
  for (const shot of SCREENS) {
    test(`axe finds nothing: ${shot.name} (${language})`, async ({ page }) => {
      await show(page, shot, { language });
      const found = [];
      for (const theme of ["light", "dark", "sun"]) {
        await page.evaluate((name) => (document.documentElement.dataset["theme"] = name), theme);
        found.push(...(await violations(page, theme)));
      }
      // The system's own colours are the person's choice: contrast is theirs.
      await page.emulateMedia({ forcedColors: "active" });
      found.push(...(await violations(page, "forced colours", ["color-contrast"])));
      expect(found).toEqual([]);
    });
  }
}
