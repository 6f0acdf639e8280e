import { useQuery, useQueryClient } from "@tanstack/react-query";
import { answerOf, failureOf, useCommand } from "../../base/query";
import { go } from "../../base/router";
import type { DraftView, ReportView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";

const DRAFT = ["draft"];

/** The report being filled in, if any. */
export function useDraft() {
  const client = useQueryClient();
  return useQuery<DraftView | null>({
    queryKey: DRAFT,
    queryFn: async () => {
      const draft = await answerOf(commands.reportDraft());
      // On a locked phone only the sealed journal has it: it cannot be read back, so what is shown stays.
      const shown = client.getQueryData<DraftView | null>(DRAFT);
      return draft ?? (shown?.sealed_only ? shown : null);
    },
    gcTime: Infinity,
  });
}

/** Opens a report and shows its first question. */
export function useStartReport() {
  return useCommand(commands.reportStart, { key: DRAFT, onDone: () => go("report", "safe") });
}

/** Keeps one answer. */
export function useStep(onDone?: (draft: DraftView) => void) {
  return useCommand(commands.reportStep, { key: DRAFT, onDone });
}

/** Adds a photo or recording. */
export function useAttach() {
  return useCommand(commands.reportAttach, { key: DRAFT });
}

/** Takes a photo or recording away. */
export function useDetach() {
  return useCommand(commands.reportDetach, { key: DRAFT });
}

/** Throws the report away. */
export function useDiscard() {
  const client = useQueryClient();
  return useCommand(commands.reportDiscard, {
    onDone: () => {
      client.setQueryData(DRAFT, null);
      go();
    },
  });
}

/** Finishes the report. It is saved first, and sent when there is a way. */
export function useSend() {
  const client = useQueryClient();
  return useCommand(commands.reportSend, {
    onDone: (report) => {
      client.setQueryData(reportKey(report.id), report);
      client.setQueryData(DRAFT, null);
      void client.invalidateQueries({ queryKey: ["reports"], exact: true });
      void client.invalidateQueries({ queryKey: ["app"] });
      go("done", report.id);
    },
  });
}

export const reportKey = (id: string) => ["reports", id];

/** The carrier's copy of one report. On a locked phone it is the one that was just finished here. */
export function useReport(id: string) {
  const client = useQueryClient();
  return useQuery<ReportView>({
    queryKey: reportKey(id),
    queryFn: async () => {
      try {
        return await answerOf(commands.report(id));
      } catch (error) {
        const shown = client.getQueryData<ReportView>(reportKey(id));
        if (shown && failureOf(error).code === "locked") return shown;
        throw error;
      }
    },
  });
}
