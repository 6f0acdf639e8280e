import { useState } from "react";
import { Banner } from "../../base/components/Banner";
import { LinkButton } from "../../base/components/Button";
import { Empty, Loaded } from "../../base/components/Loaded";
import { Screen } from "../../base/components/Screen";
import { useShared } from "../../base/i18n/shared";
import type { AppView, KeepForm } from "../../ipc/bindings";
import { isOf, useConflicts } from "./queries";
import { TwoVersions } from "./TwoVersions";
import { useVersionWords } from "./words";

/** The carrier's screen for one record with two versions: `#/versions/ID`. */
export function Versions(props: { app: AppView; id: string }) {
  const t = useVersionWords();
  const shared = useShared();
  const conflicts = useConflicts();
  const [settled, setSettled] = useState<KeepForm | null>(null);
  const of = (id: string) => conflicts.data?.find((conflict) => isOf(conflict, id));
  const found = of(props.id);
  return (
    <Screen id="versions" title={t("versions.title")} sub={found && t("versions.sub")}>
      {settled ? (
        <Banner id="versions-settled" tone="ok" live>{t(settled === "mine" ? "versions.doneMine" : "versions.doneTheirs")}</Banner>
      ) : (
        <Loaded query={conflicts} isEmpty={() => !found} empty={<None />}>
          {() => found && <TwoVersions key={found.id} conflict={found} helpPhone={props.app.help_phone} onSettled={setSettled} />}
        </Loaded>
      )}
      <div className="dock"><LinkButton id="back" href="#/outbox" icon="back">{shared("action.back")}</LinkButton></div>
    </Screen>
  );
}

/** Settled already, here or on another device. */
function None() {
  const t = useVersionWords();
  return (
    <Empty id="versions-none">
      <p className="strong">{t("versions.none")}</p>
      <p className="soft">{t("versions.noneSub")}</p>
    </Empty>
  );
}
