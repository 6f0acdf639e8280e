import { expect, test, type Page } from "@playwright/test";
import { show } from "./open";

const MOST_TAPS = 8;

/** Presses by finger, and counts. */
function taps(page: Page) {
  let count = 0;
  return {
    on: async (id: string) => {
      count += 1;
      await page.getByTestId(id).click();
    },
    count: () => count,
  };
}

for (const language of ["en", "es"] as const) {
  test(`a report takes at most ${MOST_TAPS} taps and no key (${language})`, async ({ page }) => {
    let keys = 0;
    await page.exposeFunction("keyPressed", () => (keys += 1));
    await page.addInitScript(() => addEventListener("keydown", () => void (window as never as { keyPressed: () => void }).keyPressed()));
    await show(page, { name: "home", tape: "open", ready: "home-hurt" }, { language });

    const tap = taps(page);
    for (const id of ["home-hurt", "safe-safe", "what-animal", "map-hand-left", "next", "next", "next"]) await tap.on(id);

    await expect(page.getByTestId("screen-done")).toBeVisible();
    await expect(page.getByTestId("send-state")).toHaveText(language === "en"
      ? "Waiting to send. You can put your phone away."
      : "Esperando para enviar. Puede guardar el teléfono.");
    expect(tap.count()).toBeLessThanOrEqual(MOST_TAPS);
    expect(keys).toBe(0);
  });
}

test("who will see what stands above the send button before sending", async ({ page }) => {
  await show(page, { name: "check", tape: "busy", route: "report/check", ready: "who-will-see" });
  await expect(page.getByTestId("who-will-see")).toContainText("Your supervisor sees your name, when and where.");
});

test("a report goes out and its number is shown once the server has it", async ({ page }) => {
  await show(page, { name: "done", tape: "open", ready: "send-state", press: ["home-hurt", "safe-safe", "what-animal", "map-hand-left", "next", "next", "next"] });
  await page.getByTestId("done-home").click();
  await page.getByTestId("home-outbox").click();
  await page.getByTestId("sync-now").click();
  await expect(page.getByTestId("outbox-empty")).toBeVisible();
  await page.getByTestId("back").click();
  await page.getByTestId("home-reports").click();
  await expect(page.getByTestId("send-report-1")).toContainText(/Sent .+\. Number HMS-\d+\./);
});

test("sending with something missing says what, and leads there", async ({ page }) => {
  await show(page, { name: "missing", tape: "busy", route: "report/check", ready: "next" });
  await page.getByTestId("next").click();
  await page.getByTestId("missing-where").click();
  await expect(page.getByTestId("screen-report-where")).toBeVisible();
});

test("a photo is added by the camera or a file", async ({ page }) => {
  await show(page, { name: "check", tape: "open", press: ["home-hurt", "safe-safe", "what-animal", "map-hand-left", "next", "next"], ready: "add-photo" });
  await page.getByTestId("photo-file").setInputFiles({ name: "hand.png", mimeType: "image/png", buffer: Buffer.from("89504e470d0a1a0a", "hex") });
  await expect(page.getByTestId("attachments")).toBeVisible();
});

test("the PIN opens the app by keys too", async ({ page }) => {
  await show(page, { name: "unlock", tape: "locked", ready: "screen-unlock" });
  await page.keyboard.type("246810");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("screen-home")).toBeVisible();
});

test("the focus is on the heading of each new screen", async ({ page }) => {
  await show(page, { name: "home", tape: "open", ready: "screen-home" });
  for (const id of ["home-hurt", "safe-safe", "what-animal"]) {
    await page.getByTestId(id).click();
    await expect(page.locator("h1:visible")).toBeFocused();
  }
});

test("a call that comes in is in front, and what was typed stays", async ({ page }) => {
  await show(page, { name: "ringing", tape: "visit", route: "colleague", ready: "visit-accept" });
  await expect(page.getByTestId("screen-colleague")).toBeHidden();
  await page.getByTestId("visit-accept").click();
  await expect(page.getByTestId("synthetic")).toBeVisible();
  await expect(page.getByTestId("remote-picture-label")).toBeVisible();
});
