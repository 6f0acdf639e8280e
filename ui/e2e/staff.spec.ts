import { expect, test } from "@playwright/test";
import { violations, violationsInEveryMode } from "./measure";
import { showStaff, STAFF_SCREENS } from "./staff.screens";

test.setTimeout(120_000);

const SIZES = [
  { width: 1440, height: 900, scale: 1, columns: "3" },
  { width: 800, height: 1000, scale: 2, columns: "1" },
] as const;

for (const language of ["en", "es"] as const) {
  for (const shot of STAFF_SCREENS) {
    test(`${shot.name} (${language})`, async ({ page }) => {
      await page.setViewportSize(SIZES[0]);
      await showStaff(page, shot, { language, theme: "light" });
      expect.soft(await violationsInEveryMode(page, ["dark"])).toEqual([]);
      for (const { width, height, scale, columns } of SIZES) {
        await page.evaluate((value) => document.documentElement.style.setProperty("--text-scale", String(value)), scale);
        await page.setViewportSize({ width, height });
        // The window counts its columns anew, which is seen a moment after the size.
        await expect(page.getByTestId("staff")).toHaveAttribute("data-columns", columns);
        await expect(page.getByTestId(shot.ready).first()).toBeVisible();
        expect.soft(await page.evaluate(cutOff), `${width} px`).toEqual([]);
        expect.soft(await page.evaluate(tooSmall), `${width} px`).toEqual([]);
      }
      // Large text turns columns into pages: their order and names are asked again.
      expect.soft(await violations(page, "800 px, 200 %")).toEqual([]);
    });
  }
}

test("a visit is signed with the keyboard alone, with at most 25 keys besides the note", async ({ page }) => {
  let keys = 0;
  const key = async (...names: string[]) => {
    for (const name of names) {
      keys += 1;
      await page.keyboard.press(name);
    }
  };
  await page.setViewportSize({ width: 1440, height: 900 });
  await showStaff(page, { name: "queue", tape: "staff", ready: "queue-item-0" });

  await key("n");
  await page.getByTestId("queue-claim").waitFor();
  await key("t");
  await page.getByTestId("note-text").waitFor();
  await key("e");
  await page.keyboard.type("Two punctures, back of left hand.");
  await key("Tab", "Enter");
  await page.getByTestId("note-signed").waitFor();
  // The focus moves with the next drawing; a person's next key comes later than that.
  await expect(page.getByTestId("note-title")).toBeFocused();
  await key("d");
  await expect(page.getByTestId("advice-status-full-duty")).toBeFocused();
  await key("Tab", "Space", "Tab", "Tab", "Tab", "Tab", "Tab", "Tab", "Space");
  await expect(page.getByTestId("advice-preview")).toContainText("Do not use the left hand");
  await key("s", "Enter");
  await page.getByTestId("advice-signed").waitFor();

  expect(keys).toBeLessThanOrEqual(25);
});

test("the far side's pictures are painted, and each different one is counted", async ({ page }) => {
  await page.routeWebSocket(/\/(remote|self)$/, (socket) => {
    for (const number of [7, 8, 8, 9]) setTimeout(() => socket.send(picture(number)), (number - 6) * 150);
  });
  await showStaff(page, { name: "in-call", tape: "staff_call", route: "case/task-1", ready: "visit-remote" });

  const remote = page.getByTestId("visit-remote");
  await expect(remote).toHaveAttribute("data-frame", "9");
  await expect(remote).toHaveAttribute("data-frames", "3");
  expect(await remote.evaluate((canvas: HTMLCanvasElement) => [...(canvas.getContext("2d")?.getImageData(0, 0, 1, 1).data ?? [])])).toEqual([9, 120, 200, 255]);
});

/** A message of the picture socket: two by two pixels whose red is the frame number. */
function picture(number: number): Buffer {
  const head = Buffer.alloc(20);
  [2, 2, number, 0, 0].forEach((value, index) => head.writeUInt32LE(value, index * 4));
  return Buffer.concat([head, Buffer.from([number, 120, 200, 255].concat([number, 120, 200, 255], [number, 120, 200, 255], [number, 120, 200, 255]))]);
}

test("forced colours keep the current entry and the chosen answers", async ({ page }) => {
  await page.emulateMedia({ forcedColors: "active" });
  await page.setViewportSize({ width: 1440, height: 900 });
  await showStaff(page, STAFF_SCREENS.find(({ name }) => name === "advice") ?? STAFF_SCREENS[0]!);

  const outline = (id: string) => page.getByTestId(id).evaluate((element) => getComputedStyle(element).outlineStyle);
  expect(await page.locator("[data-current]").evaluate((element) => getComputedStyle(element).outlineStyle)).toBe("solid");
  expect(await outline("advice-status-restricted")).toBe("solid");
  expect(await outline("advice-limit-no-left-hand-use")).toBe("solid");
  const tick = (id: string) => page.getByTestId(id).locator(".mark > svg");
  await expect(tick("advice-limit-no-left-hand-use")).toBeVisible();
  await expect(tick("advice-limit-no-right-hand-use")).toBeHidden();
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
