import type { Page } from "@playwright/test";
import { pressesOf, type Shot } from "./screens";
import { recordedAt } from "./tape";

export type Look = { language?: "en" | "es"; theme?: "light" | "dark" | "sun" };

/** Goes to a screen as a person would, and waits for what makes it that screen. */
export async function show(page: Page, shot: Shot, look: Look = {}): Promise<void> {
  await page.clock.install({ time: recordedAt(shot.tape) });
  await page.clock.resume();
  const query = new URLSearchParams({ tape: shot.tape, language: look.language ?? "en", theme: look.theme ?? "light" });
  await page.goto("about:blank");
  await page.goto(`/carrier.html?${query}#/${shot.route ?? ""}`);
  for (const id of pressesOf(shot, look.language ?? "en")) await page.getByTestId(id).click();
  await page.getByTestId(shot.ready).first().waitFor();
}
