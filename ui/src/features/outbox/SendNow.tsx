import { Button } from "../../base/components/Button";
import { Trouble } from "../../base/components/Loaded";
import { useCommand } from "../../base/query";
import type { SendState } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";
import { useWords } from "../words";

/** Where a large photo waits for a link that is free: it goes when the person says so. */
export function SendNow(props: { id: string; send: SendState }) {
  const t = useWords();
  const send = useCommand(commands.sendFileNow);
  if (props.send.state !== "queued" || !props.send.waits_for_free_link) return null;
  return (
    <>
      {send.failure && <Trouble error={send.failure} />}
      <div className="row">
        <Button id={`send-now-${props.id}`} icon="send" busy={send.pending} onPress={() => send.run(props.id)}>{t("send.now")}</Button>
      </div>
    </>
  );
}
