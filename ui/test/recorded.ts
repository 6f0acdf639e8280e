import type { Tape } from "../src/ipc/fake";

/** The first recorded answer of a command, with these arguments where some are given. */
export function answerIn<T>(tape: unknown, command: string, args?: Record<string, unknown>): T {
  const wanted = JSON.stringify(args);
  const found = (tape as Tape).calls.find(
    (call) => "command" in call && call.command === command && call.error === undefined && (!args || JSON.stringify(call.args) === wanted),
  );
  if (!found || !("command" in found)) throw new Error(`no answer of ${command} ${wanted ?? ""} on this tape`);
  return found.data as T;
}

/** The support numbers of the recorded failures of a command. */
export function failuresIn(tape: unknown, command: string): string[] {
  return (tape as Tape).calls.flatMap((call) =>
    "command" in call && call.command === command && call.error ? [(call.error as { reference: string }).reference] : [],
  );
}
