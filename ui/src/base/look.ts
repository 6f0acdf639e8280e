// Theme, language and text size of the page itself.

import { useEffect, useSyncExternalStore } from "react";

const TEXT_SIZE = "text-size";

/** Text sizes offered, in percent. */
export const TEXT_SIZES = [100, 125, 150, 200] as const;
export type TextSize = (typeof TEXT_SIZES)[number];

/** Keeps the page's theme and language as the app says. */
export function useLook(theme: string | undefined, language: string | undefined): void {
  useEffect(() => {
    if (theme) document.documentElement.dataset["theme"] = theme;
  }, [theme]);
  useEffect(() => {
    if (language) document.documentElement.lang = language;
  }, [language]);
}

/** The text size of this device. It is not health data, so the page keeps it itself. */
export function textSize(): TextSize {
  const kept = Number(localStorage.getItem(TEXT_SIZE));
  return TEXT_SIZES.find((size) => size === kept) ?? 100;
}

/** Puts the kept text size on the page. */
export function applyTextSize(): void {
  document.documentElement.style.setProperty("--text-scale", String(textSize() / 100));
}

const watchers = new Set<() => void>();

/** Keeps and applies a text size. */
export function setTextSize(size: TextSize): void {
  localStorage.setItem(TEXT_SIZE, String(size));
  applyTextSize();
  watchers.forEach((watcher) => watcher());
}

/** The text size, followed. */
export function useTextSize(): TextSize {
  return useSyncExternalStore((changed) => {
    watchers.add(changed);
    return () => watchers.delete(changed);
  }, textSize);
}
