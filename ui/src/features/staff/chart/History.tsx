import { State } from "../../../base/components/Banner";
import { useFormats } from "../../../base/i18n/format";
import type { HistoryView, KnownList } from "../../../ipc/bindings";
import { useStaffCodes } from "../codes";
import { Panel } from "../Panel";
import { useStaffWords } from "../words";

/** A list that may be unknown: "none known" was asked, "not asked" was not, and they look different. */
export function Known(props: { id: string; title: string; list: KnownList; alarm?: boolean }) {
  const t = useStaffWords();
  const { list } = props;
  return (
    <Panel id={props.id} title={props.title} flat>
      {list.state === "not_asked" && <State id={`${props.id}-not-asked`} tone="warn" icon="help">{t("chart.notAsked")}</State>}
      {list.state === "none_known" && <State id={`${props.id}-none`} tone="plain" icon="check">{t("chart.noneKnown")}</State>}
      {list.state === "known" && (
        <ul className="known" data-testid={`${props.id}-known`}>
          {list.items.map((item) => (
            <li key={item}>
              {props.alarm ? <State tone="danger" icon="alert">{item}</State> : item}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

/** Conditions, vaccinations, earlier reports and visits, newest first. */
export function History(props: { lines: HistoryView[] }) {
  const t = useStaffWords();
  const f = useFormats();
  const code = useStaffCodes();
  return (
    <Panel id="history" title={t("history.title")} flat>
      {props.lines.length === 0 ? (
        <p className="soft" data-testid="history-empty">{t("history.empty")}</p>
      ) : (
        <ul className="history">
          {props.lines.map((line, index) => (
            <li key={index}>
              <span className="soft">{line.at === null ? t("history.noDate") : f.stamp(line.at)}</span>
              <span className="soft">{code.historyKind(line.kind)}</span>
              <span>{line.text}</span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
