import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { showStaff, STAFF_SCREENS, type StaffLook } from "./staff.screens";

const SIZES = [
  { width: 1440, height: 900, text: 100 },
  { width: 800, height: 1000, text: 200 },
] as const;

for (const { width, height, text } of SIZES) {
  for (const language of ["en", "es"] as const) {
    for (const theme of ["light", "dark"] as const) {
      test.describe(`${language} ${theme} ${width} at ${text} %`, () => {
        for (const shot of STAFF_SCREENS) {
          test(shot.name, async ({ page }) => {
            const look: StaffLook = { language, theme, text };
            await page.setViewportSize({ width, height });
            await showStaff(page, shot, look);

            const found = await new AxeBuilder({ page }).analyze();
            expect(found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`)).toEqual([]);
            expect(await page.evaluate(cutOff)).toEqual([]);
            expect(await page.evaluate(tooSmall)).toEqual([]);
          });
        }
      });
    }
  }
}

test("forced colours keep the current entry and the chosen answers", async ({ page }) => {
  await page.emulateMedia({ forcedColors: "active" });
  await page.setViewportSize({ width: 1440, height: 900 });
  await showStaff(page, STAFF_SCREENS.find(({ name }) => name === "advice") ?? STAFF_SCREENS[0]!);

  const outline = (id: string) => page.getByTestId(id).evaluate((element) => getComputedStyle(element).outlineStyle);
  expect(await page.locator("[data-current]").evaluate((element) => getComputedStyle(element).outlineStyle)).toBe("solid");
  expect(await outline("advice-status-restricted")).toBe("solid");
  expect(await outline("advice-limit-no-left-hand-use")).toBe("solid");
});

/** What stands outside of the window, or is wider than the box that holds it. */
function cutOff(): string[] {
  const name = (element: Element) => `${element.tagName} ${element.getAttribute("data-testid") ?? element.className}`;
  return [...document.querySelectorAll("body *")]
    .filter((element) => {
      if (element.closest(".hidden-visually, .tile > input, svg, canvas")) return false;
      const box = element.getBoundingClientRect();
      if (box.width === 0 || box.height === 0) return false;
      const spills = element.matches("button, a, h1, h2, h3, .priority") && element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0;
      return box.right > innerWidth + 1 || box.left < -1 || spills;
    })
    .map(name);
}

/** Targets under 32 px. Links inside a sentence are as tall as their line. */
function tooSmall(): string[] {
  return [...document.querySelectorAll("button, select, .tile, .input, a.button, a.entry-q__open, summary")]
    .map((element) => ({ element, box: element.getBoundingClientRect() }))
    .filter(({ box }) => box.width > 0 && (box.height < 31.5 || box.width < 31.5))
    .map(({ element, box }) => `${element.getAttribute("data-testid") ?? element.className} ${box.width}x${box.height}`);
}
