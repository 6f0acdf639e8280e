import { useQuery } from "@tanstack/react-query";
import { AsOf } from "../../base/components/AsOf";
import { LinkButton } from "../../base/components/Button";
import { Empty, Loaded } from "../../base/components/Loaded";
import { Screen } from "../../base/components/Screen";
import { SendLine } from "../../base/components/SendLine";
import { LinkTile } from "../../base/components/Tile";
import { useFormats } from "../../base/i18n/format";
import { answerOf } from "../../base/query";
import { commands } from "../../ipc/transport";
import { useWords } from "../words";

/** The carrier's own copies, newest first as Rust gives them. */
export function Reports() {
  const t = useWords();
  const f = useFormats();
  const reports = useQuery({ queryKey: ["reports"], queryFn: () => answerOf(commands.reports()) });
  return (
    <Screen id="reports" title={t("reports.title")} sub={<AsOf />}>
      <Loaded query={reports} isEmpty={(list) => list.length === 0} empty={<Empty id="reports-empty"><p>{t("reports.empty")}</p></Empty>}>
        {(list) => (
          <ul className="rows">
            {list.map((report) => (
              <li key={report.id}>
                <LinkTile
                  id={`report-${report.id}`}
                  href={`#/reports/${encodeURIComponent(report.id)}`}
                  icon={report.what}
                  sub={<>{f.stamp(report.happened_at)}<br /><SendLine id={`send-${report.id}`} send={report.send} /></>}
                >
                  {t(`what.${report.what}`)}
                </LinkTile>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      <div className="dock"><LinkButton id="back" href="#/" icon="back">{t("action.back")}</LinkButton></div>
    </Screen>
  );
}
