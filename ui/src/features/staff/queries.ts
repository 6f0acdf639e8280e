// What the staff window reads. Rust names what changed; the slow polls only mend a lost message.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { answerOf, useCommand } from "../../base/query";
import type { ChartView, CommandError, NoteView, QueueItemView, QueueView } from "../../ipc/bindings";
import { commands, type Answer } from "../../ipc/transport";

const QUEUE_POLL_MS = 5_000;
const CALL_POLL_MS = 2_000;

export const queueKey = ["queue"] as const;
export const chartKey = (task: string) => ["chart", task] as const;
export const managerKey = ["manager"] as const;

/** The queue. */
export function useQueue() {
  return useQuery({ queryKey: queueKey, queryFn: () => answerOf(commands.queue()), refetchInterval: QUEUE_POLL_MS });
}

/** The entry of a task, as the queue last had it. */
export function useQueueItem(task: string | null): QueueItemView | undefined {
  const queue = useQueue();
  return queue.data?.items.find((item) => item.task === task);
}

/** The chart of a task. */
export function useChart(task: string) {
  return useQuery({ queryKey: chartKey(task), queryFn: () => answerOf(commands.chart(task)) });
}

/** What a symptom check rests on; the engine works for it, so only what is opened asks. */
export function useBasis(check: string) {
  return useQuery({ queryKey: ["chart", "basis", check], queryFn: () => answerOf(commands.checkBasis(check)) });
}

/** The call, read often enough for its figures to be of use. */
export function useCall() {
  return useQuery({ queryKey: ["visit"], queryFn: () => answerOf(commands.visit()), refetchInterval: CALL_POLL_MS });
}

/** Imaging sites, nearest first. */
export function useSites(task: string) {
  return useQuery({ queryKey: ["chart", task, "sites"], queryFn: () => answerOf(commands.imagingSites(task)) });
}

/** Statuses and limits that may be chosen. */
export function useDutyChoices() {
  return useQuery({ queryKey: ["duty-choices"], queryFn: () => answerOf(commands.dutyChoices()) });
}

/** The manager's page. */
export function useManager() {
  return useQuery({ queryKey: managerKey, queryFn: () => answerOf(commands.manager()) });
}

/** A command that answers with the chart of `task`. */
export function useChartCommand<A extends unknown[]>(
  task: string,
  command: (...args: A) => Promise<Answer<ChartView>>,
  options: { onDone?: (chart: ChartView) => void; onFailed?: (error: CommandError) => void } = {},
) {
  return useCommand(command, { key: chartKey(task), ...options });
}

/** Puts a saved note into the chart in the cache. */
export function useKeepNote(task: string): (note: NoteView) => void {
  const client = useQueryClient();
  return (note) => client.setQueryData<ChartView>(chartKey(task), (chart) => chart && { ...chart, note });
}

/** Takes an entry. Where somebody was faster, the queue is read again so that the screen can say who. */
export function useClaim(options: { onDone?: (queue: QueueView) => void } = {}) {
  const client = useQueryClient();
  return useCommand(commands.queueClaim, {
    key: queueKey,
    onDone: options.onDone,
    onFailed: () => void client.invalidateQueries({ queryKey: queueKey }),
  });
}

/** Gives an entry back. */
export function useRelease() {
  return useCommand(commands.queueRelease, { key: queueKey });
}
