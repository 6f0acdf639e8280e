import type { ReactNode } from "react";
import { PhoneLink } from "../../../base/components/PhoneLink";
import { useFormats } from "../../../base/i18n/format";
import type { ChartView } from "../../../ipc/bindings";
import { useStaffCodes } from "../codes";
import { useStaffWords } from "../words";
import { Known } from "./Known";

/** Who this is, in one strip. What is not known is said, not left out. */
export function Person(props: { chart: ChartView; children: ReactNode }) {
  const t = useStaffWords();
  const f = useFormats();
  const code = useStaffCodes();
  const { chart } = props;
  const facts = [
    { key: "born", name: t("person.born"), value: chart.birth_date && code.birth(chart.birth_date) },
    { key: "number", name: t("person.number"), value: chart.employee_number },
    { key: "site", name: t("person.site"), value: chart.site },
    { key: "language", name: t("settings.language"), value: code.language(chart.language) },
  ];
  return (
    <header className="person" data-testid="chart" data-task={chart.task}>
      <div className="person__head">
        <h2 id="case-title" data-testid="chart-name" tabIndex={-1}>
          {chart.name || t("case.noName")}
          {chart.age !== null && <span className="person__age">{t("queue.age", { age: chart.age })}</span>}
        </h2>
        {props.children}
      </div>
      <dl className="person__facts">
        <div className="person__alarm">
          <dt>{t("chart.allergies")}</dt>
          <dd><Known id="allergies" list={chart.allergies} alarm /></dd>
        </div>
        {facts.map((fact) => (
          <div key={fact.key}>
            <dt>{fact.name}</dt>
            <dd data-testid={`person-${fact.key}`}>{fact.value || t("case.unknown")}</dd>
          </div>
        ))}
        <div>
          <dt>{t("person.phone")}</dt>
          <dd>{chart.phone ? <PhoneLink id="person-phone" look="quiet" number={chart.phone}>{chart.phone}</PhoneLink> : t("case.unknown")}</dd>
        </div>
        {chart.as_of !== null && <div><dt data-testid="chart-as-of">{t("link.data", { time: f.moment(chart.as_of) })}</dt></div>}
      </dl>
    </header>
  );
}
