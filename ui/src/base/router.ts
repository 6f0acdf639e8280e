// The address behind `#` is the screen: `#/report/where`. Back is the browser's own.

import { useSyncExternalStore } from "react";

const read = () => location.hash.replace(/^#\/?/, "");

function subscribe(changed: () => void) {
  addEventListener("hashchange", changed);
  return () => removeEventListener("hashchange", changed);
}

/** Parts of the address: `["report", "where"]`. Home is `[]`. */
export function useRoute(): string[] {
  const hash = useSyncExternalStore(subscribe, read);
  return hash.split("/").filter(Boolean).map(decodeURIComponent);
}

/** Shows a screen. */
export function go(...parts: string[]): void {
  location.hash = `/${parts.map(encodeURIComponent).join("/")}`;
}

/** Shows a screen in place of this one: Back does not return here. */
export function replace(...parts: string[]): void {
  location.replace(`#/${parts.map(encodeURIComponent).join("/")}`);
}
