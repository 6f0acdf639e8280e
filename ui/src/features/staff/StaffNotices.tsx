import { Banner } from "../../base/components/Banner";
import { useFormats } from "../../base/i18n/format";
import type { AppView } from "../../ipc/bindings";
import { useStaffWords } from "./words";

/** What a person must know of the app itself. The demonstration label is in the header. */
export function StaffNotices(props: { app: AppView }) {
  const t = useStaffWords();
  const f = useFormats();
  const { app } = props;
  const problem = app.network.problem ?? (app.network.state === "offline" ? "unreachable" : null);
  const since = app.network.last_sync_at;
  const quiet = !problem && app.clock_off_s === null && !app.storage && (app.vault === "keychain" || app.phase === "open");
  if (quiet) return null;
  return (
    <section className="desk__notices" aria-label={t("desk.notices")}>
      {problem && (
        <Banner id="notice-network" tone="warn" icon="nosignal" flat live>
          {t(`link.${problem}`)} {app.phase === "open" && (since === null ? t("link.never") : t("link.asOf", { time: f.moment(since) }))}
        </Banner>
      )}
      {app.clock_off_s !== null && <Banner id="notice-clock" tone="warn" icon="clock" flat live>{t("desk.clock")}</Banner>}
      {app.storage && <Banner id="notice-storage" tone="danger" flat live>{t(`desk.storage.${app.storage}`)}</Banner>}
      {app.vault !== "keychain" && app.phase !== "open" && (
        <Banner id="notice-vault" icon="key" flat>{t(`desk.vault.${app.vault}`)}</Banner>
      )}
    </section>
  );
}
