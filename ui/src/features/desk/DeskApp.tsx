import { Banner } from "../../base/components/Banner";
import { Button } from "../../base/components/Button";
import { Loaded, Trouble } from "../../base/components/Loaded";
import { PhoneLink } from "../../base/components/PhoneLink";
import { useApp, useCommand } from "../../base/query";
import { useRoute } from "../../base/router";
import type { AppView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";
import { useColumns } from "../staff/columns";
import { Link, Settings, Who } from "../staff/Header";
import { VisitPanel } from "../staff/call/VisitPanel";
import { Queue } from "../staff/queue/Queue";
import { UrgentAlert } from "../staff/queue/UrgentAlert";
import { StaffNotices } from "../staff/StaffNotices";
import { useStaffWords } from "../staff/words";
import { DeskCase } from "./DeskCase";

/** Queue, chart and call of a clinician or nurse in a browser. What is written is written in the app, and the page says so. */
export function DeskApp() {
  const app = useApp();
  const { columns, split } = useColumns();
  return (
    <Loaded query={app}>
      {(view) => (
        <div className="desk" data-phase={view.phase} data-columns={columns} data-split={split} data-testid="desk-page">
          <Header app={view} />
          <StaffNotices app={view} />
          {view.phase === "open" ? <Open app={view} /> : <SignedOut app={view} />}
        </div>
      )}
    </Loaded>
  );
}

function Header(props: { app: AppView }) {
  const t = useStaffWords();
  const { app } = props;
  const open = app.phase === "open";
  const leave = useCommand(commands.lock, { key: ["app"] });
  return (
    <header className="top">
      <Who app={app} />
      {open && <Link app={app} />}
      <span className="top__actions">
        <Settings app={app} />
        {open && <Button id="sign-out" icon="lock" busy={leave.pending} onPress={() => leave.run()}>{t("page.signOut")}</Button>}
      </span>
    </header>
  );
}

function SignedOut(props: { app: AppView }) {
  const t = useStaffWords();
  const begin = useCommand(() => commands.signInStart(false));
  return (
    <main className="desk__session">
      <div className="screen stack stack--wide">
        <h1>{t("page.title")}</h1>
        <p>{t("page.intro")}</p>
        <Button id="page-sign-in" look="primary" wide busy={begin.pending} onPress={() => begin.run()}>{t("page.signIn")}</Button>
        {begin.failure && <Trouble error={begin.failure} />}
        <p className="soft">{t("page.nothingKept")}</p>
        <p>{t("page.emergency")}</p>
        <div className="row"><PhoneLink id="page-phone" number={props.app.help_phone} /></div>
      </div>
    </main>
  );
}

function Open(props: { app: AppView }) {
  const t = useStaffWords();
  const route = useRoute();
  const task = route[0] === "case" ? (route[1] ?? null) : null;
  if (props.app.role !== "clinician" && props.app.role !== "nurse") {
    return <main className="desk__session"><Banner id="page-role" tone="warn">{t("page.role")}</Banner></main>;
  }
  return (
    <>
      <UrgentAlert />
      <main className="work">
        <h1 className="hidden-visually">{t("page.title")}</h1>
        <section className="work__queue" aria-labelledby="queue-title" data-testid="queue">
          <Queue task={task} takesIn={false} />
        </section>
        <section className="work__case" aria-labelledby="case-title" data-testid="case">
          {task ? <DeskCase key={task} task={task} /> : <NoCase />}
        </section>
        <section className="work__visit" aria-labelledby="visit-title" data-testid="visit">
          <VisitPanel task={task} helpPhone={props.app.help_phone} writes={false} />
        </section>
      </main>
    </>
  );
}

function NoCase() {
  const t = useStaffWords();
  return (
    <div className="no-case stack" data-testid="no-case">
      <h2 id="case-title" tabIndex={-1}>{t("desk.noCase")}</h2>
      <p className="soft">{t("desk.noCaseSub")}</p>
    </div>
  );
}
