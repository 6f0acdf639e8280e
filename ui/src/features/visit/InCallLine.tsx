import { Banner } from "../../base/components/Banner";
import { LinkButton } from "../../base/components/Button";
import { useCodes } from "../../base/i18n/codes";
import { useVisit } from "../../base/query";
import type { VisitState } from "../../ipc/bindings";
import { useWords } from "../words";

/** States in which a call is under way. */
const UNDER_WAY: ReadonlySet<VisitState> = new Set(["connecting", "in_call", "reconnecting"]);

/** A line at the top of other screens while a call goes on. */
export function InCallLine(props: { route: string[] }) {
  const t = useWords();
  const code = useCodes();
  const visit = useVisit();
  if (!visit.data || !UNDER_WAY.has(visit.data.state) || props.route[0] === "visit") return null;
  const { peer } = visit.data;
  return (
    <Banner id="in-call-line" tone="ok" icon="video" flat live>
      <div className="row">
        <span>{t("visit.inCall", { name: peer === null ? t("visit.careTeam") : code.caller(peer) })}</span>
        <LinkButton id="visit-return" href="#/visit">{t("visit.return")}</LinkButton>
      </div>
    </Banner>
  );
}
