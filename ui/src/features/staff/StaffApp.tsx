import { lazy, Suspense, useState } from "react";
import { Button } from "../../base/components/Button";
import { Loaded } from "../../base/components/Loaded";
import { useApp } from "../../base/query";
import type { AppView } from "../../ipc/bindings";
import { ManagerPage } from "../manager/ManagerPage";
import { SetPin } from "../session/SetPin";
import { SignIn } from "../session/SignIn";
import { Unlock } from "../session/Unlock";
import { useColumns } from "./columns";
import { Header } from "./Header";
import { OfficePage } from "./OfficePage";
import { StaffNotices } from "./StaffNotices";
import { Workspace } from "./Workspace";
import { useStaffWords } from "./words";

const PhoneNotices = lazy(async () => ({ default: (await import("../phone/PhoneNotices")).PhoneNotices }));

/** The staff window, from sign-in to work. */
export function StaffApp() {
  const app = useApp();
  const { columns, split } = useColumns();
  return (
    <Loaded query={app}>
      {(view) => (
        <div className="desk" data-phase={view.phase} data-columns={columns} data-split={split} data-testid="staff">
          <Header app={view} />
          <StaffNotices app={view} />
          <Suspense><PhoneNotices /></Suspense>
          <Body app={view} />
        </div>
      )}
    </Loaded>
  );
}

function Body(props: { app: AppView }) {
  const { app } = props;
  switch (app.phase) {
    case "fresh":
      return <main className="desk__session"><SignIn /></main>;
    case "needs_pin":
      return <main className="desk__session"><SetPin app={app} /></main>;
    case "locked":
      return <main className="desk__session"><Locked app={app} /></main>;
    case "open":
      return <Open app={app} />;
  }
}

function Locked(props: { app: AppView }) {
  const t = useStaffWords();
  const [forgot, setForgot] = useState(false);
  return forgot ? (
    <SignIn><Button id="to-unlock" look="quiet" onPress={() => setForgot(false)}>{t("action.back")}</Button></SignIn>
  ) : (
    <Unlock app={props.app} onForgot={() => setForgot(true)} />
  );
}

function Open(props: { app: AppView }) {
  switch (props.app.role) {
    case "clinician":
    case "nurse":
      return <Workspace app={props.app} />;
    case "manager":
      return <ManagerPage />;
    case "hr":
    case "compliance":
    case "administrator":
    case "carrier":
    case "system":
      return <OfficePage app={props.app} role={props.app.role} />;
    case null:
      return <OfficePage app={props.app} role="system" />;
  }
}
