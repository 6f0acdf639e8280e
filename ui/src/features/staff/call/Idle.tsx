import { useQueryClient } from "@tanstack/react-query";
import { State } from "../../../base/components/Banner";
import { Button } from "../../../base/components/Button";
import { Trouble } from "../../../base/components/Loaded";
import { PhoneLink } from "../../../base/components/PhoneLink";
import { useCommand } from "../../../base/query";
import type { ChartView, QueueItemView } from "../../../ipc/bindings";
import { commands } from "../../../ipc/transport";
import { queueKey } from "../queries";
import { useStaffWords } from "../words";

/** No call: one press takes the person, where nobody has them, and calls. */
export function Idle(props: { task: string; chart: ChartView; item: QueueItemView | undefined; again: boolean; others: boolean }) {
  const t = useStaffWords();
  const client = useQueryClient();
  const { task, chart, item } = props;
  const call = useCommand(
    async () => {
      if (item && !item.mine) {
        const taken = await commands.queueClaim(task);
        if (taken.status === "error") return taken;
        client.setQueryData(queueKey, taken.data);
      }
      return commands.visitCall(task);
    },
    { key: ["visit"], onFailed: () => void client.invalidateQueries({ queryKey: queueKey }) },
  );
  const rings = item?.signal?.connected;
  if (props.others) {
    return <p className="soft" data-testid="call-others">{t("call.others", { name: item?.claimed_by ?? "" })}</p>;
  }
  return (
    <div className="call-idle stack">
      {rings !== undefined && (
        <State id="call-reach" tone={rings ? "ok" : "warn"} icon={rings ? "check" : "nosignal"}>{t(rings ? "call.rings" : "call.notThere")}</State>
      )}
      <Button id="visit-call" look="primary" icon="video" wide busy={call.pending} onPress={() => call.run()}>
        {chart.name ? t(props.again ? "call.again" : "call.call", { name: chart.name }) : t("keys.call")}
      </Button>
      {call.failure?.code === "taken" ? (
        <p className="field__error" role="alert" data-testid="call-taken">
          {item?.claimed_by ? t("queue.takenBy", { name: item.claimed_by }) : t("queue.taken")}
        </p>
      ) : (
        call.failure && <Trouble error={call.failure} />
      )}
      {chart.phone && <PhoneLink id="visit-phone" number={chart.phone} wide>{t("call.byPhone", { number: chart.phone })}</PhoneLink>}
    </div>
  );
}
