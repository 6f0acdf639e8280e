import { useQuery, useQueryClient } from "@tanstack/react-query";
import { answerOf, useCommand } from "../../base/query";
import type { ConflictView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";

const KEY = ["outbox", "conflicts"];

/** Records with two versions. They are among what waits to be sent, and change with it. */
export function useConflicts(enabled = true) {
  return useQuery<ConflictView[]>({ queryKey: KEY, queryFn: () => answerOf(commands.conflicts()), enabled });
}

/** Says which version holds. What was settled elsewhere in the meantime is no longer in the list that is read again. */
export function useSettle(onDone: () => void) {
  const client = useQueryClient();
  return useCommand(commands.conflictSettle, {
    key: KEY,
    onDone,
    onFailed: () => void client.invalidateQueries({ queryKey: KEY }),
  });
}

/** The address names the record without its type, as the report and the outbox do. */
export const isOf = (conflict: ConflictView, id: string) => conflict.id === id || conflict.id.endsWith(`/${id}`);
