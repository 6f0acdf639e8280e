import { LinkButton } from "../../base/components/Button";
import { Trouble } from "../../base/components/Loaded";
import { Screen } from "../../base/components/Screen";
import { LinkTile, Tile } from "../../base/components/Tile";
import { useFormats } from "../../base/i18n/format";
import { go } from "../../base/router";
import type { AppView } from "../../ipc/bindings";
import { Recheck } from "../check/Recheck";
import { useDraft, useStartReport } from "../report/queries";
import { useWords } from "../words";
import { LANGUAGES } from "../../base/i18n";

/** Home: the two things that hurt people need, what waits, and the rest. */
export function Home(props: { app: AppView }) {
  const t = useWords();
  const f = useFormats();
  const { app } = props;
  const { last_sync_at } = app.network;
  return (
    <Screen
      id="home"
      title={t("home.title")}
      above={app.name && <p className="greeting">{t("home.hello", { name: app.name, site: app.site ?? "" }).replace(/, $/, "")}</p>}
    >
      {app.recheck && app.recheck.due && <Recheck recheck={app.recheck} />}
      <Offers />
      {app.recheck && !app.recheck.due && <Recheck recheck={app.recheck} />}
      {app.unsent > 0 ? (
        <LinkTile id="home-outbox" href="#/outbox" icon="clock" sub={t("home.unsent", { count: app.unsent })}>
          {t("home.outbox")}
        </LinkTile>
      ) : (
        <div className="card" data-testid="home-nothing">
          <p className="strong">{t("home.nothing")}</p>
          {last_sync_at !== null && <p className="soft small">{t("home.allSent", { time: f.moment(last_sync_at) })}</p>}
        </div>
      )}
      <nav className="rows" aria-label={t("home.more")}>
        <LinkTile id="home-reports" href="#/reports" icon="copy">{t("home.reports")}</LinkTile>
        <LinkTile id="home-summaries" href="#/summaries" icon="stethoscope">{t("home.summaries")}</LinkTile>
        <LinkTile id="home-help" href="#/help" icon="help">{t("home.help")}</LinkTile>
        <LinkTile id="home-settings" href="#/settings" icon="settings">{t("home.settings")}</LinkTile>
      </nav>
    </Screen>
  );
}

/** What a phone takes that is locked, or that nobody has signed in on. */
export function OffersWithoutUnlock() {
  const t = useWords();
  return (
    <section className="stack" aria-labelledby="offers">
      <h2 id="offers">{t("signIn.still")}</h2>
      <Offers />
      <LinkTile id="home-help" href="#/help" icon="help">{t("home.help")}</LinkTile>
      <LinkTile id="home-settings" href="#/settings" icon="settings" sub={LANGUAGES.map(({ name }) => name).join(" · ")}>{t("settings.language")}</LinkTile>
    </section>
  );
}

function Offers() {
  const t = useWords();
  const draft = useDraft();
  const start = useStartReport();
  return (
    <>
      {start.failure && <Trouble error={start.failure} />}
      <Hero
        draft={draft.data != null}
        onPress={() => (draft.data ? go("report", "check") : start.run(null))}
      />
      <div className="hero-second"><LinkTile id="home-check" href="#/check" icon="stethoscope" sub={t("home.checkSub")}>{t("home.check")}</LinkTile></div>
      {!draft.data && (
        <LinkButton id="home-colleague" href="#/colleague" look="quiet" icon="people">{t("home.colleague")}</LinkButton>
      )}
    </>
  );
}

function Hero(props: { draft: boolean; onPress: () => void }) {
  const t = useWords();
  return (
    <div className="hero-first">
      <Tile id="home-hurt" icon={props.draft ? "pencil" : "bandage"} sub={t(props.draft ? "home.hurtDraftSub" : "home.hurtSub")} onPress={props.onPress}>
        {t(props.draft ? "home.hurtDraft" : "home.hurt")}
      </Tile>
    </div>
  );
}
