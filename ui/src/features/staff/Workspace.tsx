import { useRef } from "react";
import { Button } from "../../base/components/Button";
import { go, replace, useRoute } from "../../base/router";
import { useCommand } from "../../base/query";
import type { AppView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";
import { VisitPanel } from "./call/VisitPanel";
import { Case } from "./chart/Case";
import { Queue } from "./queue/Queue";
import { UrgentAlert } from "./queue/UrgentAlert";
import { useCall, useClaim, useQueue } from "./queries";
import { useShortcuts } from "./shortcuts";
import { useStaffWords } from "./words";

/** Queue, chart and visit on one screen. The address names the open case, so a call or a reload keeps it. */
export function Workspace(props: { app: AppView }) {
  const t = useStaffWords();
  const route = useRoute();
  const task = route[0] === "case" ? (route[1] ?? null) : null;
  useWorkspaceKeys(task);
  return (
    <>
      <UrgentAlert />
      <Jump />
      <main className="work">
        <h1 className="hidden-visually">{t("desk.title")}</h1>
        <section className="work__queue" aria-labelledby="queue-title" data-testid="queue">
          <Queue task={task} />
        </section>
        <section className="work__case" aria-labelledby="case-title" data-testid="case">
          {task ? <Case key={task} task={task} onClosed={() => replace()} /> : <NoCase />}
        </section>
        <section className="work__visit" aria-labelledby="visit-title" data-testid="visit">
          <VisitPanel task={task} helpPhone={props.app.help_phone} />
        </section>
      </main>
    </>
  );
}

/** Where the window is narrow the three parts stand below each other: these go from one to the next. */
function Jump() {
  const t = useStaffWords();
  const to = (part: string) => {
    const target = document.querySelector<HTMLElement>(`[data-testid="${part}"]`);
    target?.scrollIntoView({ block: "start" });
    target?.querySelector<HTMLElement>("a, button, input, textarea, select")?.focus({ preventScroll: true });
  };
  return (
    <nav className="jump" aria-label={t("desk.jump")}>
      <Button id="jump-queue" onPress={() => to("queue")}>{t("desk.jumpQueue")}</Button>
      <Button id="jump-case" onPress={() => to("case")}>{t("case.title")}</Button>
      <Button id="jump-visit" onPress={() => to("visit")}>{t("desk.jumpVisit")}</Button>
    </nav>
  );
}

function NoCase() {
  const t = useStaffWords();
  const next = useNext(null);
  return (
    <div className="no-case stack" data-testid="no-case">
      <h2 id="case-title" tabIndex={-1}>{t("desk.noCase")}</h2>
      <p className="soft">{t("desk.noCaseSub")}</p>
      <div className="row"><Button id="next-case" icon="next" onPress={() => next(1)}>{t("keys.next")}</Button></div>
    </div>
  );
}

/** Opens the next entry that nobody else has, or the one before. */
function useNext(task: string | null): (step: 1 | -1) => void {
  const queue = useQueue();
  return (step) => {
    const items = queue.data?.items ?? [];
    const free = items.filter((item) => item.task === task || item.mine || item.claimed_by === null);
    if (free.length === 0) return;
    const here = free.findIndex((item) => item.task === task);
    const from = here < 0 && step < 0 ? 0 : here;
    const item = free[(from + step + free.length) % free.length];
    if (item) go("case", item.task);
  };
}

const press = (id: string) => document.querySelector<HTMLElement>(`[data-testid="${id}"]`)?.click();
const focus = (...ids: string[]) => {
  for (const id of ids) {
    const found = document.querySelector<HTMLElement>(id === "queue-current" ? "[data-current] a" : `[data-testid="${id}"]`);
    if (!found) continue;
    found.scrollIntoView({ block: "nearest" });
    return found.focus();
  }
};

function useWorkspaceKeys(task: string | null): void {
  const next = useNext(task);
  const claim = useClaim();
  const call = useCall();
  const mute = useCommand(commands.visitMute, { key: ["visit"] });
  const busy = useRef(false);
  busy.current = claim.pending;
  useShortcuts({
    next: () => next(1),
    previous: () => next(-1),
    take: () => {
      if (task && !busy.current) press("queue-claim");
    },
    call: () => press("visit-call"),
    mute: () => {
      if (call.data?.state === "in_call") mute.run(!call.data.muted);
    },
    // One key for both: it presses whichever of the two stands there.
    soundOnly: () => (call.data?.sound_only ? press("visit-try-video") : press("visit-sound-only")),
    note: () => focus("note-text", "note-addendum", "note-signed"),
    // Only to the button: nothing is signed by one letter.
    sign: () => focus("note-sign", "advice-sign"),
    duty: () => focus("advice-status-full-duty", "advice-title"),
    imaging: () => focus("imaging-part", "imaging-title"),
    followUp: () => focus("followup-start", "followup-title"),
    queue: () => focus(task ? "queue-current" : "queue-item-0", "queue-item-0"),
  });
}
