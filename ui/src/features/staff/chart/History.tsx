import type { HistoryView } from "../../../ipc/bindings";
import { useStaffCodes } from "../codes";
import { Panel } from "../Panel";
import { useStaffWords } from "../words";

/** Conditions, vaccinations, earlier reports and visits, newest first. */
export function History(props: { lines: HistoryView[] }) {
  const t = useStaffWords();
  const code = useStaffCodes();
  return (
    <Panel id="history" title={t("history.title")} flat>
      {props.lines.length === 0 ? (
        <p className="soft" data-testid="history-empty">{t("history.empty")}</p>
      ) : (
        <ul className="history">
          {props.lines.map((line, index) => (
            <li key={index}>
              <span className="soft">{line.at === null ? t("history.noDate") : code.day(line.at)}</span>
              <span className="soft">{code.historyKind(line.kind)}</span>
              <span>{code.history(line.kind, line.text)}</span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
