import { LinkButton } from "../../base/components/Button";
import { Facts, Points } from "../../base/components/Field";
import { PhoneLink, whole } from "../../base/components/PhoneLink";
import { Screen } from "../../base/components/Screen";
import type { AppView } from "../../ipc/bindings";
import { useWords } from "../words";

/** Help that needs no signal: whom to call, and what still works. */
export function Help(props: { app: AppView }) {
  const t = useWords();
  const { app } = props;
  return (
    <Screen id="help" title={t("help.title")}>
      <section className="card card--line">
        <h2>{t("help.call")}</h2>
        <p className="read-out" data-testid="help-number">{whole(app.help_phone)}</p>
        <PhoneLink id="help-phone" number={app.help_phone} look="primary" wide />
        <p className="soft">{t("help.callSub")}</p>
      </section>
      <section className="stack">
        <h2>{t("help.offline")}</h2>
        <Points items={[t("help.offline.report"), t("help.offline.check"), t("help.offline.copy"), t("help.offline.911")]} />
      </section>
      <section className="stack">
        <h2>{t("help.needs")}</h2>
        <Points items={[t("help.needs.send")]} />
      </section>
      <section className="card">
        <h2>{t("help.about")}</h2>
        <p>{t("help.privacy")}</p>
        <Facts
          items={[
            { key: "version", name: t("app.name"), value: t("settings.version", { version: app.version }) },
            { key: "server", name: t("settings.server"), value: app.server },
          ]}
        />
      </section>
      <div className="dock"><LinkButton id="back" href="#/" icon="back">{t("action.back")}</LinkButton></div>
    </Screen>
  );
}
