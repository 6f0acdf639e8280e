// Server state lives in one query cache, keyed by the tags that Rust names when something changed.

import { QueryClient, useMutation, useQuery, useQueryClient, type QueryKey } from "@tanstack/react-query";
import { useEffect } from "react";
import type { AppView, CommandError, VisitView } from "../ipc/bindings";
import { commands, onChanged, type Answer } from "../ipc/transport";

/** A command answered with a code. */
export class CommandFailure extends Error {
  constructor(readonly error: CommandError) {
    super(error.code);
  }
}

/** The data of an answer, or a `CommandFailure`. */
export async function answerOf<T>(call: Promise<Answer<T>>): Promise<T> {
  const answer = await call;
  if (answer.status === "error") throw new CommandFailure(answer.error);
  return answer.data;
}

/** What went wrong, as code and number for support. */
export function failureOf(error: unknown): CommandError {
  return error instanceof CommandFailure ? error.error : { code: "internal", reference: "UI" };
}

/** The cache. Truth is on the device, so being offline never holds a query back. */
export function newQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: { networkMode: "always", retry: false, staleTime: Infinity, refetchOnWindowFocus: false },
      // A PIN is an argument of a command: it is not kept once the screen is gone.
      mutations: { networkMode: "always", retry: false, gcTime: 0 },
    },
  });
}

/** Reads again whatever Rust says has changed. */
export function useChanges(): void {
  const client = useQueryClient();
  useEffect(() => {
    let stop: (() => void) | undefined;
    let gone = false;
    void onChanged((tags) => {
      for (const tag of tags) void client.invalidateQueries({ queryKey: [tag] });
    }).then((unlisten) => {
      if (gone) unlisten();
      else stop = unlisten;
    });
    return () => {
      gone = true;
      stop?.();
    };
  }, [client]);
}

/** A command that changes something: `run` it; its answer goes to `key` in the cache. */
export function useCommand<A extends unknown[], T>(
  command: (...args: A) => Promise<Answer<T>>,
  options: { key?: QueryKey; onDone?: (data: T) => void; onFailed?: (error: CommandError) => void } = {},
) {
  const client = useQueryClient();
  const mutation = useMutation({
    mutationFn: (args: A) => answerOf(command(...args)),
    onSuccess: (data) => {
      if (options.key) client.setQueryData(options.key, data);
      options.onDone?.(data);
    },
    onError: (error) => options.onFailed?.(failureOf(error)),
  });
  return {
    run: (...args: A) => mutation.mutate(args),
    pending: mutation.isPending,
    failure: mutation.error ? failureOf(mutation.error) : null,
    reset: mutation.reset,
  };
}

/** The app as a whole. */
export function useApp() {
  return useQuery<AppView>({ queryKey: ["app"], queryFn: () => answerOf(commands.appState()) });
}

/** The call, if any. */
export function useVisit() {
  return useQuery<VisitView>({ queryKey: ["visit"], queryFn: () => answerOf(commands.visit()) });
}

/** A photo or recording. */
export function useAttachment(id: string) {
  return useQuery({ queryKey: ["attachment", id], queryFn: () => answerOf(commands.attachment(id)) });
}
