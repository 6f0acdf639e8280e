import { useState } from "react";
import { State } from "../../base/components/Banner";
import { Button } from "../../base/components/Button";
import { useFormats } from "../../base/i18n/format";
import { useCommand } from "../../base/query";
import type { AppView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";
import { HelpDialog } from "./HelpDialog";
import { Pick } from "./Pick";
import { useCodes } from "../../base/i18n/codes";
import { useCall } from "./queries";
import { useStaffWords } from "./words";

const THEMES = ["auto", "light", "dark"] as const;

/** Who is here, how the link is, and the settings that one changes in the middle of work. */
export function Header(props: { app: AppView }) {
  const t = useStaffWords();
  const { app } = props;
  const [help, setHelp] = useState(false);
  const open = app.phase === "open";
  return (
    <header className="top">
      <Who app={app} />
      {open && <Link app={app} />}
      <span className="top__actions">
        <Settings app={app} />
        <Button id="help-open" icon="help" onPress={() => setHelp(true)}>{t("help.title")}</Button>
        {open && <Lock />}
      </span>
      {help && <HelpDialog app={app} onClose={() => setHelp(false)} />}
    </header>
  );
}

/** Whose desk this is, and whether its data is made up. */
export function Who(props: { app: AppView }) {
  const t = useStaffWords();
  const code = useCodes();
  const { app } = props;
  return (
    <>
        <strong className="top__name">{t("app.name")}</strong>
        {app.phase === "open" && app.role && (
          <span className="top__who" data-testid="staff-who">
            <strong>{app.name}</strong> <span>{code.role(app.role)}</span>{app.site && <span>{app.site}</span>}
          </span>
        )}
        {app.demo && <span className="chip top__demo" data-testid="notice-demo">{t("app.demo")}</span>}
        <span className="top__gap" />
    </>
  );
}

/** How the link is, and how old what is shown. */
export function Link(props: { app: AppView }) {
  const t = useStaffWords();
  const f = useFormats();
  const { network, unsent } = props.app;
  const online = network.state !== "offline" && network.problem === null;
  return (
    <span className="top__link">
      <State id="staff-link" tone={online ? "ok" : "warn"} icon={online ? "check" : "nosignal"}>
        {t(online ? `network.${network.state}` : "link.none")}
        {online && network.rtt_ms !== null && ` ${f.unit(network.rtt_ms, "millisecond")}`}
      </State>
      {network.last_sync_at !== null && <span data-testid="staff-data-age">{t("link.data", { time: f.moment(network.last_sync_at) })}</span>}
      {unsent > 0 && <State id="staff-unsent" tone="warn" icon="clock">{t("link.unsent", { count: unsent })}</State>}
    </span>
  );
}

/** Look and language. */
export function Settings(props: { app: AppView }) {
  const t = useStaffWords();
  const { app } = props;
  const keep = useCommand(commands.setPreferences, { key: ["app"] });
  return (
    <span className="top__settings">
      <Pick
        id="set-theme"
        label={t("settings.theme")}
        quiet
        value={app.theme}
        options={THEMES.map((theme) => ({ value: theme, text: t(theme === "auto" ? "desk.themeAuto" : `theme.${theme}`) }))}
        onPick={(theme) => keep.run({ language: app.language, theme })}
      />
      <Pick
        id="set-language"
        label={t("settings.language")}
        quiet
        value={app.language}
        options={[{ value: "en", text: t("desk.en") }, { value: "es", text: t("desk.es") }]}
        onPick={(language) => keep.run({ language, theme: app.theme })}
      />
    </span>
  );
}

/** A call would be cut by locking, so it is left first. */
function Lock() {
  const t = useStaffWords();
  const call = useCall();
  const [inCall, setInCall] = useState(false);
  const lock = useCommand(commands.lock, { key: ["app"] });
  const busy = ["connecting", "in_call", "reconnecting"].includes(call.data?.state ?? "none");
  return (
    <>
      <Button id="lock" icon="lock" busy={lock.pending} onPress={() => (busy ? setInCall(true) : lock.run())}>{t("desk.lock")}</Button>
      {inCall && busy && <span role="status" className="strong" data-testid="lock-in-call">{t("desk.lockInCall")}</span>}
    </>
  );
}
