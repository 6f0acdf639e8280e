import { lazy, Suspense, useState } from "react";
import { Banner } from "../../base/components/Banner";
import { Button } from "../../base/components/Button";
import { useFormats } from "../../base/i18n/format";
import type { AppView } from "../../ipc/bindings";
import { useConflicts } from "../versions/queries";
import { useStaffWords } from "./words";

const VersionsDialog = lazy(async () => ({ default: (await import("./VersionsDialog")).VersionsDialog }));

/** What a person must know of the app itself. The demonstration label is in the header. */
export function StaffNotices(props: { app: AppView }) {
  const t = useStaffWords();
  const f = useFormats();
  const { app } = props;
  const open = app.phase === "open";
  const versions = useConflicts(open).data?.length ?? 0;
  const [comparing, setComparing] = useState(false);
  const problem = app.network.problem ?? (app.network.state === "offline" ? "unreachable" : null);
  const since = app.network.last_sync_at;
  const vault = app.vault === "keychain" || open ? null : app.vault;
  const quiet = !problem && app.clock_off_s === null && !app.storage && !vault && versions === 0 && !comparing;
  if (quiet) return null;
  return (
    <section className="desk__notices" aria-label={t("desk.notices")}>
      {problem && (
        <Banner id="notice-network" tone="warn" icon="nosignal" flat live>
          {t(`link.${problem}`)} {open && (since === null ? t("link.never") : t("link.asOf", { time: f.moment(since) }))}
        </Banner>
      )}
      {app.clock_off_s !== null && <Banner id="notice-clock" tone="warn" icon="clock" flat live>{t("desk.clock")}</Banner>}
      {app.storage && <Banner id="notice-storage" tone="danger" flat live>{t(`desk.storage.${app.storage}`)}</Banner>}
      {open && versions > 0 && (
        <Banner id="notice-versions" tone="warn" icon="copy" flat live>
          <div className="row">
            <span>{t("link.versions", { count: versions })}</span>
            <Button id="versions-open" onPress={() => setComparing(true)}>{t("send.compare")}</Button>
          </div>
        </Banner>
      )}
      {open && comparing && <Suspense><VersionsDialog app={app} onClose={() => setComparing(false)} /></Suspense>}
      {vault && <Banner id="notice-vault" icon="key" flat>{t(`desk.vault.${vault}`)}</Banner>}
    </section>
  );
}
