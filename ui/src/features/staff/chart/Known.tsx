import { State } from "../../../base/components/Banner";
import type { KnownList } from "../../../ipc/bindings";
import { useStaffWords } from "../words";

/** A list that may be unknown: "none known" was asked, "not asked" was not, and they look different. */
export function Known(props: { id: string; list: KnownList; alarm?: boolean }) {
  const t = useStaffWords();
  const { list, id } = props;
  if (list.state === "not_asked") return <State id={`${id}-not-asked`} tone="warn" icon="help">{t("chart.notAsked")}</State>;
  if (list.state === "none_known") return <State id={`${id}-none`} tone="plain" icon="check">{t("chart.noneKnown")}</State>;
  return (
    <ul className="known" data-testid={`${id}-known`}>
      {list.items.map((item) => (
        <li key={item}>{props.alarm ? <State tone="danger" icon="alert">{item}</State> : item}</li>
      ))}
    </ul>
  );
}
