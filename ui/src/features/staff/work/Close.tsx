import { useState } from "react";
import { Banner } from "../../../base/components/Banner";
import { Button } from "../../../base/components/Button";
import { Trouble } from "../../../base/components/Loaded";
import { useCommand } from "../../../base/query";
import type { ChartView } from "../../../ipc/bindings";
import { commands } from "../../../ipc/transport";
import { queueKey, useQueueItem } from "../queries";
import { useStaffWords } from "../words";

/** Completes the case. What is not signed yet is said first; it can be closed all the same. */
export function Close(props: { task: string; chart: ChartView; onClosed: () => void }) {
  const t = useStaffWords();
  const { task, chart } = props;
  const item = useQueueItem(task);
  const [warned, setWarned] = useState(false);
  const close = useCommand(commands.closeTask, { key: queueKey, onDone: props.onClosed });
  const open = [
    chart.note.signed_at === null && t("close.note"),
    (chart.advice === null || chart.advice.signed_at === null) && t("close.advice"),
  ].filter((text) => text !== false);
  if (!item) return null;
  return (
    <div className="close">
      {warned && open.length > 0 && (
        <Banner id="close-warning" tone="warn" live>
          <p className="strong">{t("close.open")}</p>
          <ul className="plain-list">{open.map((text) => <li key={text}>{text}</li>)}</ul>
        </Banner>
      )}
      {close.failure && <Trouble error={close.failure} />}
      <div className="row row--end">
        {warned && open.length > 0 ? (
          <>
            <Button id="close-keep" onPress={() => setWarned(false)}>{t("close.keep")}</Button>
            <Button id="close-anyway" look="danger" busy={close.pending} onPress={() => close.run(task)}>{t("close.anyway")}</Button>
          </>
        ) : (
          <Button id="close-task" icon="check" busy={close.pending} onPress={() => (open.length > 0 ? setWarned(true) : close.run(task))}>{t("close.title")}</Button>
        )}
      </div>
    </div>
  );
}
