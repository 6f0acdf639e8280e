import { useState } from "react";
import { Banner } from "../../../base/components/Banner";
import { Button } from "../../../base/components/Button";
import { Field } from "../../../base/components/Field";
import { Trouble } from "../../../base/components/Loaded";
import type { ChartReportView } from "../../../ipc/bindings";
import { commands } from "../../../ipc/transport";
import { Panel } from "../Panel";
import { useChartCommand } from "../queries";
import { useStaffWords } from "../words";

/** A report that names a person only in words: somebody who cares for them says whose it is, the server compares. */
export function Identify(props: { task: string; report: ChartReportView }) {
  const t = useStaffWords();
  const { task, report } = props;
  const { colleague } = report;
  const [number, setNumber] = useState(colleague?.number ?? "");
  const [name, setName] = useState(colleague?.name ?? "");
  const [missing, setMissing] = useState(false);
  const identify = useChartCommand(task, commands.reportIdentify);
  const give = () => {
    const lacks = !number.trim() || !name.trim();
    setMissing(lacks);
    if (!lacks) identify.run(task, number.trim(), name.trim());
  };
  return (
    <Panel id="identify" title={t("identify.title")}>
      <p data-testid="identify-from">
        {colleague === null
          ? t("identify.unsigned")
          : t("identify.from", { reporter: report.reported_by ?? t("identify.somebody"), colleague: colleague.typed })}
      </p>
      <p className="soft">{t("identify.why")}</p>
      <div className="dates">
        <Field id="identify-number" label={t("person.number")} error={missing && !number.trim() ? t("identify.missing") : undefined} value={number} onChange={setNumber} />
        <Field id="identify-name" label={t("intake.name")} error={missing && !name.trim() ? t("identify.missing") : undefined} value={name} onChange={setName} />
      </div>
      <div className="row"><Button id="identify-give" look="primary" busy={identify.pending} onPress={give}>{t("identify.give")}</Button></div>
      {identify.failure?.code === "not_found" ? (
        <Banner id="identify-nobody" tone="warn" live>{t("identify.nobody")}</Banner>
      ) : (
        identify.failure && <Trouble error={identify.failure} />
      )}
    </Panel>
  );
}
