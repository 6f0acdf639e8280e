// What is measured on a screen as it stands: cut text, target sizes and gaps, and what axe finds.

import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";

/** Gloves: every target at least this large, and this far from its neighbours. */
export const LEAST = 56;
export const GAP = 8;

/** What axe finds, with where; only these rules, where some are named. */
export async function violations(page: Page, mode: string, rules?: string[]) {
  // One page is enough: there are no frames to look into.
  const axe = new AxeBuilder({ page }).setLegacyMode();
  const found = await (rules ? axe.withRules(rules) : axe).analyze();
  return found.violations.map(({ id, nodes }) => ({ mode, id, at: nodes.map(({ html }) => html.slice(0, 160)) }));
}

/**
 * What axe finds in every mode. The modes change colours and nothing else, so that all rules are asked once and
 * contrast again in each. The system's own colours are the person's choice: there, names and states are asked.
 */
export async function violationsInEveryMode(page: Page, themes: readonly string[]) {
  const found = await violations(page, "light");
  for (const theme of themes) {
    await page.evaluate((name) => (document.documentElement.dataset["theme"] = name), theme);
    found.push(...(await violations(page, theme, ["color-contrast"])));
  }
  await page.evaluate(() => (document.documentElement.dataset["theme"] = "light"));
  await page.emulateMedia({ forcedColors: "active" });
  found.push(...(await violations(page, "forced colours", ["button-name", "link-name", "label", "aria-hidden-focus", "image-alt"])));
  await page.emulateMedia({ forcedColors: "none" });
  return found;
}

/** What sticks out at the sides, or cuts its own text. */
export function overflowing(page: Page) {
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

type Target = { name: string; left: number; top: number; right: number; bottom: number };

/** What can be hit. Measured on what is hit: the tile, not the hidden input in it. */
function targets(page: Page): Promise<Target[]> {
  return page.evaluate(() => {
    const hit = "button, a[href], label.tile, label.file, summary, [role=checkbox], textarea, input:not(.tile input):not(.file input)";
    return [...document.querySelectorAll(hit)].flatMap((element) => {
      const box = element.getBoundingClientRect();
      const isInText = element.tagName === "A" && getComputedStyle(element).display === "inline";
      if (box.width === 0 || isInText || element.closest("[hidden], .behind")) return [];
      const name = element.getAttribute("data-testid") ?? element.outerHTML.slice(0, 60);
      const docked = element.closest(".dock, .sos") !== null;
      // What is docked floats over the text: its neighbours are measured within the dock only.
      const shift = docked ? 100_000 : 0;
      return [{ name, left: box.left, top: box.top + shift, right: box.right, bottom: box.bottom + shift }];
    });
  });
}

const apart = (a: Target, b: Target) =>
  Math.max(a.left - b.right, b.left - a.right, a.top - b.bottom, b.top - a.bottom);

/** Targets that are too small or too close to each other; `["none"]` where there is nothing to hit at all. */
export async function badTargets(page: Page): Promise<string[]> {
  const all = await targets(page);
  if (all.length === 0) return ["none"];
  const small = all.filter((box) => box.right - box.left < LEAST - 0.5 || box.bottom - box.top < LEAST - 0.5);
  return [
    ...small.map((box) => `${box.name}: ${Math.round(box.right - box.left)} x ${Math.round(box.bottom - box.top)}`),
    ...all.flatMap((a, index) =>
      all.slice(index + 1).filter((b) => apart(a, b) < GAP - 0.5).map((b) => `${a.name} and ${b.name}: ${apart(a, b).toFixed(1)}`),
    ),
  ];
}
