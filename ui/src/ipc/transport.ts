// The link to the shell. Only this folder imports `@tauri-apps`.

import { isTauri } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";

export { commands } from "./bindings";

/** What a command answers: data, or a code and a number for support. */
export type Answer<T> = { status: "ok"; data: T } | { status: "error"; error: import("./bindings").CommandError };

/** Names of what changed; each is the first part of a query's key. */
export type Tag = "app" | "outbox" | "reports" | "draft" | "queue" | "chart" | "visit" | "manager" | "summaries";

/** What calls for a person at once. */
export type AlertKind = "urgent_case" | "ring";

/**
 * Makes commands answer. In the app nothing is to be done; in a plain browser the fake is put in place.
 * False where there is neither: the page was opened outside of the app.
 */
export async function connect(): Promise<boolean> {
  if (isTauri()) return true;
  if (!__FAKE__) return false;
  const { install } = await import("./fake");
  await install();
  return true;
}

/** Calls back with the tags of what changed in Rust. */
export function onChanged(changed: (tags: Tag[]) => void): Promise<() => void> {
  return listen<{ tags: Tag[] }>("changed", (event) => changed(event.payload.tags));
}

/** Calls back when a person is called for. */
export function onAlert(alerted: (kind: AlertKind) => void): Promise<() => void> {
  return listen<{ kind: AlertKind }>("alert", (event) => alerted(event.payload.kind));
}
