import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { show, type Look } from "./open";
import { SCREENS } from "./screens";

const LOOKS: Look[] = (["en", "es"] as const).flatMap((language) => (["light", "dark", "sun"] as const).map((theme) => ({ language, theme })));

for (const look of LOOKS) {
  for (const shot of SCREENS) {
    test(`axe: ${shot.name} ${look.language} ${look.theme}`, async ({ page }) => {
      await show(page, shot, look);
      const found = await new AxeBuilder({ page }).analyze();
      expect(found.violations.map(({ id, nodes }) => ({ id, at: nodes.map(({ html }) => html.slice(0, 160)) }))).toEqual([]);
    });
  }
}

test.describe("forced colours", () => {
  test.use({ contextOptions: { forcedColors: "active" } });
  for (const shot of SCREENS) {
    test(`axe: ${shot.name} forced colours`, async ({ page }) => {
      await show(page, shot);
      const found = await new AxeBuilder({ page }).disableRules(["color-contrast"]).analyze();
      expect(found.violations.map(({ id }) => id)).toEqual([]);
    });
  }
});
