import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { PhoneView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";
import { answerOf } from "../../base/query";

/** Under "app": read again whenever Rust says that the app changed. */
export const PHONE = ["app", "phone"];

/** The phone and everybody on it. */
export function usePhone() {
  return useQuery<PhoneView>({ queryKey: PHONE, queryFn: () => answerOf(commands.phoneState()) });
}

/** Nothing of whoever was in front stays in memory. */
export function useForgetAll(): () => void {
  const client = useQueryClient();
  return () => {
    client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== "app" });
    void client.invalidateQueries();
  };
}
