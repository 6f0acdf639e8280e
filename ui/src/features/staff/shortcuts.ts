// Keys of the workspace: a letter outside of text fields, Alt and the letter anywhere. They can be turned
// off, because speech input and shaky hands type letters by accident (WCAG 2.1.4).

import { useEffect, useRef, useSyncExternalStore } from "react";

/** Every key of the workspace. */
export const SHORTCUTS = [
  { code: "KeyN", shown: "N", does: "next" },
  { code: "KeyP", shown: "P", does: "previous" },
  { code: "KeyT", shown: "T", does: "take" },
  { code: "KeyV", shown: "V", does: "call" },
  { code: "KeyM", shown: "M", does: "mute" },
  { code: "KeyO", shown: "O", does: "soundOnly" },
  { code: "KeyE", shown: "E", does: "note" },
  { code: "KeyS", shown: "S", does: "sign" },
  { code: "KeyD", shown: "D", does: "duty" },
  { code: "KeyI", shown: "I", does: "imaging" },
  { code: "KeyF", shown: "F", does: "followUp" },
  { code: "KeyQ", shown: "Q", does: "queue" },
] as const;

export type Shortcut = (typeof SHORTCUTS)[number]["does"];

const OFF = "staff-keys-off";
const watchers = new Set<() => void>();

/** Turns letter keys on or off; Alt and a letter always work. */
export function setShortcutsOn(on: boolean): void {
  if (on) localStorage.removeItem(OFF);
  else localStorage.setItem(OFF, "yes");
  watchers.forEach((watcher) => watcher());
}

const shortcutsOn = () => localStorage.getItem(OFF) === null;

/** Whether letter keys are on. */
export function useShortcutsOn(): boolean {
  return useSyncExternalStore((changed) => {
    watchers.add(changed);
    return () => watchers.delete(changed);
  }, shortcutsOn);
}

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.matches("input:not([type=checkbox]):not([type=radio]), textarea, select") || target.isContentEditable);

/** Does what a key stands for. */
export function useShortcuts(actions: Record<Shortcut, () => void>): void {
  const latest = useRef(actions);
  useEffect(() => {
    latest.current = actions;
  });
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || document.querySelector("dialog[open]")) return;
      if (!event.altKey && (typing(event.target) || !shortcutsOn())) return;
      const shortcut = SHORTCUTS.find((item) => item.code === event.code);
      if (!shortcut) return;
      event.preventDefault();
      latest.current[shortcut.does]();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}
