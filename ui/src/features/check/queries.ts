import { skipToken, useQuery } from "@tanstack/react-query";
import { answerOf, useCommand } from "../../base/query";
import { go } from "../../base/router";
import type { BodyPart, TriageView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";

const CHECK = ["check"];

/** The check under way. Rust gives each next question; nothing here decides. */
export function useCheck() {
  return useQuery<TriageView>({ queryKey: CHECK, queryFn: skipToken, gcTime: Infinity });
}

/** Starts a check: of a report, of a complaint, or of whatever it is. */
export function useStartCheck() {
  return useCommand(commands.triageStart, { key: CHECK, onDone: () => go("check", "now") });
}

/** Gives an answer. */
export function useAnswer() {
  return useCommand(commands.triageAnswer, { key: CHECK });
}

/** One question back; answers stay. */
export function useBack() {
  return useCommand(commands.triageBack, { key: CHECK });
}

/** Complaints that fit a few words; all where there are none. */
export function useComplaints(text: string) {
  return useQuery({ queryKey: ["complaints", text], queryFn: () => answerOf(commands.triageSearch(text)) });
}

/** How the person is some time after a check: a new result of it. */
export function useRecheck() {
  return useCommand(commands.triageRecheck, { key: CHECK, onDone: () => go("check", "now") });
}

/** Complaints of a part of the body. */
export function useComplaintsAt(part: BodyPart | null) {
  return useQuery({
    queryKey: ["complaints-at", part],
    queryFn: part === null ? skipToken : () => answerOf(commands.triageAt(part)),
  });
}
