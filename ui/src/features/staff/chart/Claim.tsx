import { Banner } from "../../../base/components/Banner";
import { Button } from "../../../base/components/Button";
import { Trouble } from "../../../base/components/Loaded";
import type { QueueItemView } from "../../../ipc/bindings";
import { useClaim, useRelease } from "../queries";
import { useStaffWords } from "../words";

/** Takes the person or gives them back; says who was faster. */
export function Claim(props: { task: string; item: QueueItemView | undefined }) {
  const t = useStaffWords();
  const { task, item } = props;
  const claim = useClaim();
  const release = useRelease();
  const trouble = claim.failure ?? release.failure;
  return (
    <div className="claim">
      {item?.mine && (
        <>
          <strong className="claim__mine" data-testid="claim-mine">{t("queue.mine")}</strong>
          <Button id="queue-release" busy={release.pending} onPress={() => release.run(task)}>{t("queue.release")}</Button>
        </>
      )}
      {item && !item.mine && item.claimed_by && <strong data-testid="claim-owner">{t("queue.owner", { name: item.claimed_by })}</strong>}
      {item && !item.mine && !item.claimed_by && (
        <Button id="queue-claim" look="primary" busy={claim.pending} onPress={() => claim.run(task)}>{t("queue.take")}</Button>
      )}
      {!item && <span className="soft" data-testid="claim-gone">{t("case.notInQueue")}</span>}
      {trouble?.code === "taken" ? (
        <Banner id="claim-taken" tone="warn" live>
          {item?.claimed_by ? t("queue.takenBy", { name: item.claimed_by }) : t("queue.taken")}
        </Banner>
      ) : (
        trouble && <Trouble error={trouble} />
      )}
    </div>
  );
}
