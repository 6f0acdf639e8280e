// Gloves: every target at least 56 px, and 8 px from its neighbours. Measured on what is hit: the tile, not the
// hidden input in it.

import { expect, test, type Page } from "@playwright/test";
import { show } from "./open";
import { SCREENS } from "./screens";

const LEAST = 56;
const GAP = 8;

type Target = { name: string; left: number; top: number; right: number; bottom: number };

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

for (const shot of SCREENS) {
  test(`targets of ${shot.name}`, async ({ page }) => {
    await show(page, shot);
    const all = await targets(page);
    expect(all.length).toBeGreaterThan(0);
    const small = all.filter((box) => box.right - box.left < LEAST - 0.5 || box.bottom - box.top < LEAST - 0.5);
    expect(small.map((box) => `${box.name}: ${Math.round(box.right - box.left)} x ${Math.round(box.bottom - box.top)}`)).toEqual([]);
    const close = all.flatMap((a, index) =>
      all.slice(index + 1).filter((b) => apart(a, b) < GAP - 0.5).map((b) => `${a.name} and ${b.name}: ${apart(a, b).toFixed(1)}`),
    );
    expect(close).toEqual([]);
  });
}
