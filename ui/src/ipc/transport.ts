// The link to the shell. Only this folder imports `@tauri-apps`.

import { isTauri } from "@tauri-apps/api/core";
import { events, type CommandError } from "./bindings";

export { commands } from "./bindings";

/** What a command answers: data, or a code and a number for support. */
export type Answer<T> = { status: "ok"; data: T } | { status: "error"; error: CommandError };

/**
 * Makes commands answer. In the app nothing is to be done; in a plain browser the
 * fake is put in place, and in the staff page of a server the server.
 * False where there is neither: the page was opened outside of the app.
 */
export async function connect(): Promise<boolean> {
  if (isTauri()) return true;
  if (__STAFF_PAGE__) {
    const { install } = await import("./remote/commands");
    return install();
  }
  if (!__FAKE__) return false;
  const { install } = await import("./fake");
  await install();
  return true;
}

/** Calls back with the tags of what changed in Rust; each is the first part of a query's key. */
export function onChanged(changed: (tags: string[]) => void): Promise<() => void> {
  return events.changed.listen((event) => changed(event.payload.tags));
}

/** Calls back when a person is called for: `urgent_case` or `ring`. */
export function onAlert(alerted: (kind: string) => void): Promise<() => void> {
  return events.alert.listen((event) => alerted(event.payload.kind));
}
