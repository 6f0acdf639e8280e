import { Facts, Points } from "../../base/components/Field";
import { PhoneLink } from "../../base/components/PhoneLink";
import { Screen } from "../../base/components/Screen";
import type { AppView, Role } from "../../ipc/bindings";
import { useStaffWords } from "./words";

export type OfficeRole = Exclude<Role, "clinician" | "nurse" | "manager">;

/** Roles whose work is not in this window: what they get, and where. */
export function OfficePage(props: { app: AppView; role: OfficeRole }) {
  const t = useStaffWords();
  const { app, role } = props;
  return (
    <main className="desk__session">
      <Screen id="office" title={t(`office.${role}.title`)} sub={t("office.sub")}>
        <Points items={[t(`office.${role}.where`), t(`office.${role}.sees`)]} />
        <Facts
          items={[
            { key: "server", name: t("settings.server"), value: app.server },
            { key: "version", name: t("help.version"), value: app.version },
          ]}
        />
        <PhoneLink id="office-phone" number={app.help_phone} />
      </Screen>
    </main>
  );
}
