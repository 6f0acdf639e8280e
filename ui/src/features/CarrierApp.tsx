// The carrier's window: notices, the screen that the phase and the address call for, and 911 below it.

import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useState, type ReactNode } from "react";
import { EmergencyCard, EmergencyRow } from "../base/components/Emergency";
import { Loaded, Skeleton } from "../base/components/Loaded";
import { Notices } from "../base/components/Notices";
import { useLink } from "../base/link";
import { useApp, useVisit } from "../base/query";
import { go, useRoute } from "../base/router";
import type { AppView, Phase } from "../ipc/bindings";
import { Help } from "./help/Help";
import { Home, OffersWithoutUnlock } from "./home/Home";
import { useDraft } from "./report/queries";
import { ForColleague } from "./report/ForColleague";
import { ReportRoutes } from "./report/ReportRoutes";
import { Done } from "./report/Done";
import { SetPin } from "./session/SetPin";
import { SignIn } from "./session/SignIn";
import { Unlock } from "./session/Unlock";
import { InCallLine } from "./visit/InCallLine";
import { useWords } from "./words";

// What nobody needs in the first second comes from the disk when it is opened.
const CheckRoutes = lazy(async () => ({ default: (await import("./check/CheckRoutes")).CheckRoutes }));
const Settings = lazy(async () => ({ default: (await import("./settings/Settings")).Settings }));
const ReportCopy = lazy(async () => ({ default: (await import("./reports/ReportCopy")).ReportCopy }));
const Reports = lazy(async () => ({ default: (await import("./reports/Reports")).Reports }));
const Summaries = lazy(async () => ({ default: (await import("./summary/Summaries")).Summaries }));
const Outbox = lazy(async () => ({ default: (await import("./outbox/Outbox")).Outbox }));
const Versions = lazy(async () => ({ default: (await import("./versions/Versions")).Versions }));
const PhoneNotices = lazy(async () => ({ default: (await import("./phone/PhoneNotices")).PhoneNotices }));
const ThisPhone = lazy(async () => ({ default: (await import("./phone/ThisPhone")).ThisPhone }));
const Storage = lazy(async () => ({ default: (await import("./phone/Storage")).Storage }));
const Visit = lazy(async () => ({ default: (await import("./visit/Visit")).Visit }));

export function CarrierApp() {
  const app = useApp();
  useForgetting(app.data?.phase);
  useLink();
  const t = useWords();
  const route = useRoute();
  const draft = useDraft();
  const [emergency, setEmergency] = useState<"closed" | "open" | "not_safe">("closed");
  const open = emergency !== "closed";

  return (
    <div className="app">
      <div className="app__scroll">
        <div className="app__column">
          {/* Before the notices: however many there are, the number to call stands on top. */}
          {open && (
            <main className="app__main">
              <EmergencyCard
                place={draft.data?.place_text}
                notSafe={emergency === "not_safe" ? t("report.notSafe") : undefined}
              />
            </main>
          )}
          <header className="app__notes">
            {app.data && <Notices app={app.data} />}
            {app.data && <Suspense><PhoneNotices /></Suspense>}
            {app.data?.phase === "open" && <InCallLine route={route} />}
          </header>
          <main className="app__main" hidden={open}>
            <Loaded query={app}>
              {(view) => (
                <Suspense fallback={<Skeleton />}>
                  {view.phase === "open" ? (
                    <Ringable app={view}>
                      <PhaseScreen app={view} route={route} onNotSafe={() => setEmergency("not_safe")} />
                    </Ringable>
                  ) : (
                    <PhaseScreen app={view} route={route} onNotSafe={() => setEmergency("not_safe")} />
                  )}
                </Suspense>
              )}
            </Loaded>
          </main>
        </div>
      </div>
      <EmergencyRow open={open} onToggle={() => setEmergency(open ? "closed" : "open")} />
    </div>
  );
}

/** What only an open app may show is not kept in memory once it is locked. */
function useForgetting(phase: Phase | undefined) {
  const client = useQueryClient();
  useEffect(() => {
    if (phase !== "locked") return;
    for (const tag of ["reports", "outbox", "summaries", "visit", "attachment"]) client.removeQueries({ queryKey: [tag] });
  }, [client, phase]);
}

type ScreenProps = { app: AppView; route: string[]; onNotSafe: () => void };

/** Report and symptom check work in every phase; the rest needs the app open. */
function PhaseScreen(props: ScreenProps): ReactNode {
  const { app, route } = props;
  switch (route[0]) {
    case "report":
      return <ReportRoutes app={app} step={route[1]} onNotSafe={props.onNotSafe} />;
    case "colleague":
      return <ForColleague />;
    case "done":
      return <Done app={app} id={route[1] ?? ""} />;
    case "check":
      return <CheckRoutes app={app} place={route[1]} report={route[2]} />;
    case "help":
      return <Help app={app} />;
    case "settings":
      return <Settings app={app} />;
  }
  switch (app.phase) {
    case "fresh":
      return <SignIn><OffersWithoutUnlock /></SignIn>;
    case "needs_pin":
      return <SetPin app={app} />;
    case "locked":
      return route[0] === "sign-in" ? (
        <SignIn><OffersWithoutUnlock /></SignIn>
      ) : (
        <Unlock app={app} onForgot={() => go("sign-in")}><OffersWithoutUnlock /></Unlock>
      );
    case "open":
      return <Place app={app} route={route} />;
  }
}

/** A call that comes in is in front of what was open; what was typed stays behind it. */
function Ringable(props: { app: AppView; children: ReactNode }): ReactNode {
  const visit = useVisit();
  const rings = visit.data?.state === "ringing_in";
  return (
    <>
      {rings && <Visit app={props.app} />}
      <div className={rings ? "behind" : "front"}>{props.children}</div>
    </>
  );
}

function Place(props: { app: AppView; route: string[] }): ReactNode {
  const { app, route } = props;
  switch (route[0]) {
    case "reports":
      return route[1] ? <ReportCopy app={app} id={route[1]} /> : <Reports />;
    case "outbox":
      return <Outbox app={app} />;
    case "versions":
      return <Versions key={route[1]} app={app} id={route[1] ?? ""} />;
    case "phone":
      return <ThisPhone />;
    case "storage":
      return <Storage />;
    case "summaries":
      return <Summaries />;
    case "visit":
      return <Visit app={app} />;
    default:
      return <Home app={app} />;
  }
}
