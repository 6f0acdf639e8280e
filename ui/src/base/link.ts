// What the webview knows of the link. Android's says its kind and whether data is to be saved; WebKit says nothing.

import { useEffect } from "react";
import { commands } from "../ipc/transport";

/** The part of the Network Information API that is read here; TypeScript has no types for it. */
type Connection = EventTarget & { readonly type?: string; readonly saveData?: boolean };

/** Tells Rust of the link now and whenever it changes; what it costs is decided there. */
export function useLink(): void {
  useEffect(() => {
    const { connection } = navigator as Navigator & { connection?: Connection };
    if (!connection) return;
    const tell = () => void commands.linkIs(connection.type ?? null, connection.saveData ?? false);
    tell();
    connection.addEventListener("change", tell);
    return () => connection.removeEventListener("change", tell);
  }, []);
}
