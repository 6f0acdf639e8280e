import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";
import { World, sleep } from "./world";

let world: World;
test.describe.configure({ mode: "serial" });
test.beforeAll(async ({ browser }) => {
  world = await World.open();
  await world.signInCarrier(browser);
  await world.ach(["report", "--what", "animal", "--where", "hand:left", "--note", "Dog at the gate"]);
  await world.ach(["sync"]);
});
test.afterAll(() => world.close());

async function signIn(page: Page, role: string): Promise<void> {
  const { username, password } = world.person(role);
  await page.goto(`${world.demo.base_url}/staff`);
  await page.getByTestId("page-sign-in").click();
  await page.locator("input[name=username]").fill(username);
  await page.locator("input[name=password]").fill(password);
  await page.locator("button[type=submit]").click();
  await expect(page.getByTestId("staff-who")).toBeVisible();
}

/** Nothing that one could find on the computer afterwards. */
const kept = (page: Page) =>
  page.evaluate(async () => ({
    local: Object.keys(localStorage), session: Object.keys(sessionStorage), cookies: document.cookie,
    bases: (await indexedDB.databases()).length, address: location.href,
  }));

test("a clinician signs in, reads the chart and takes the call in the browser", async ({ page }) => {
  const failed: string[] = [];
  page.on("console", (message) => /Content Security|Refused to/i.test(message.text()) && failed.push(message.text()));
  page.on("pageerror", (error) => failed.push(error.message));
  await signIn(page, "clinician");
  expect(await kept(page)).toEqual({ local: [], session: [], cookies: "", bases: 0, address: `${world.demo.base_url}/staff` });
  await expect(page.getByTestId("notice-demo")).toBeVisible();

  const entry = page.getByTestId("queue").getByRole("link", { name: /Dana Reyes/ }).first();
  await entry.click();
  await expect(page.getByTestId("chart-name")).toContainText("Dana Reyes");
  await expect(page.getByTestId("case")).toContainText("Dog at the gate");
  await expect(page.getByTestId("page-not-here")).toBeVisible();
  const found = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]).analyze();
  expect(found.violations.map((v) => v.id)).toEqual([]);

  const call = world.ach(["visit", "join", "--seconds", "25", "--stats", world.path("call.jsonl")]);
  // It rings only once the carrier's app is connected; the page says whether it is.
  await expect(page.getByTestId("call-reach")).toHaveClass(/state--ok/, { timeout: 60_000 });
  await page.getByTestId("visit-call").click();
  await expect(page.getByTestId("call")).toHaveAttribute("data-state", "in_call", { timeout: 60_000 });
  const remote = page.getByTestId("visit-remote");
  await expect.poll(async () => Number(await remote.getAttribute("data-frames")), { timeout: 30_000 }).toBeGreaterThan(30);
  await expect(page.getByTestId("visit-self-label")).toBeVisible();
  // Both sides have made the code of one and the same transport.
  await page.getByTestId("check-code").click();
  const code = page.getByTestId("code-digits");
  await expect(code).toHaveText(/\d{3}.?\d{3}/);

  await page.getByTestId("visit-text").fill("Can you move your fingers?");
  await page.getByTestId("visit-text-send").click();
  await expect(page.getByTestId("visit-texts")).toContainText("Can you move your fingers?");
  await expect.poll(() => world.figures("call.jsonl")?.call?.["frames_decoded"] ?? 0, { timeout: 30_000 }).toBeGreaterThan(30);
  await expect.poll(() => JSON.stringify(world.figures("call.jsonl")?.visit["texts"])).toContain("Can you move your fingers?");
  const figures = world.figures("call.jsonl");
  expect(figures?.call?.["concealed_ratio"] ?? 0).toBeLessThan(0.2);
  const digits = (await code.innerText()).replace(/\D/g, "");
  expect(JSON.stringify(figures?.visit["code"])).toContain(digits);

  await page.getByTestId("visit-leave").click();
  await expect(page.getByTestId("call")).toHaveAttribute("data-state", "ended");
  await call;
  // The microphone and the camera are let go with the call.
  await expect.poll(() => page.evaluate(() => document.querySelectorAll("video").length)).toBe(0);
  expect(failed).toEqual([]);
});

/** Opens the carrier's entry, and calls once their app is there. */
async function callCarrier(page: Page): Promise<void> {
  await page.getByTestId("queue").getByRole("link", { name: /Dana Reyes/ }).first().click();
  await expect(page.getByTestId("call-reach")).toHaveClass(/state--ok/, { timeout: 60_000 });
  await page.getByTestId("visit-call").click();
}

test("a phone that dies is said to be away, with the carrier's own number", async ({ page }) => {
  await signIn(page, "clinician");
  const call = world.ach(["visit", "join", "--seconds", "60"]).catch(() => {});
  await callCarrier(page);
  await expect(page.getByTestId("call")).toHaveAttribute("data-state", "in_call", { timeout: 60_000 });
  world.kill();
  await call;
  await expect(page.getByTestId("call-away")).toBeVisible({ timeout: 30_000 });
  await expect(page.getByTestId("call-phone")).toContainText("555-0173", { timeout: 60_000 });
  if (process.env["PICTURES"]) await page.screenshot({ path: "e2e/pictures/desk-away.png" });
  await page.getByTestId("visit-leave").click();
});

test("without a microphone nobody is rung, and the page says what to do", async ({ page }) => {
  await page.addInitScript(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"));
  });
  await signIn(page, "clinician");
  await page.getByTestId("queue").getByRole("link", { name: /Dana Reyes/ }).first().click();
  await page.getByTestId("visit-call").click();
  await expect(page.getByTestId("visit")).toContainText("We cannot use the camera or the microphone.");
  expect(await page.getByTestId("call").count()).toBe(0);
  if (process.env["PICTURES"]) await page.screenshot({ path: "e2e/pictures/desk-denied.png" });
});

test("what belongs to nobody at this desk is not given", async ({ page }) => {
  await signIn(page, "hr");
  await expect(page.getByTestId("page-role")).toBeVisible();
  expect(await page.getByTestId("queue").count()).toBe(0);
  await page.getByTestId("sign-out").click();
  await expect(page.getByTestId("page-sign-in")).toBeVisible();
  expect((await kept(page)).session).toEqual([]);
});

test("a cut line is said, and what was read stays with its age", async ({ page, context }) => {
  await signIn(page, "nurse");
  await expect(page.getByTestId("queue-title")).toBeVisible();
  await context.setOffline(true);
  await expect(page.getByTestId("queue-stale")).toBeVisible({ timeout: 60_000 });
  await context.setOffline(false);
  await expect(page.getByTestId("queue-stale")).toBeHidden({ timeout: 60_000 });
});

test("the page is whole at 320 pixels, in Spanish and in the dark, and by keyboard alone", async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 700 });
  await signIn(page, "clinician");
  await page.getByTestId("set-language").selectOption("es");
  await page.getByTestId("set-theme").selectOption("dark");
  await expect(page.getByTestId("sign-out")).toHaveText("Cerrar sesión");
  await sleep(300);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(wide).toBeLessThanOrEqual(0);
  await page.getByTestId("sign-out").focus();
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("page-sign-in")).toBeVisible();
});
