import { useEffect, useRef, useState } from "react";
import { Banner } from "../../base/components/Banner";
import { Button } from "../../base/components/Button";
import { Loaded } from "../../base/components/Loaded";
import type { AppView, KeepForm } from "../../ipc/bindings";
import { useConflicts } from "../versions/queries";
import { TwoVersions } from "../versions/TwoVersions";
import { useVersionWords } from "../versions/words";
import { useStaffWords } from "./words";

/** Records with two versions, one after the other. Chart, note and call stay behind it. */
export function VersionsDialog(props: { app: AppView; onClose: () => void }) {
  const t = useStaffWords();
  const words = useVersionWords();
  const dialog = useRef<HTMLDialogElement>(null);
  const conflicts = useConflicts();
  const [settled, setSettled] = useState<KeepForm | null>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="dialog" data-testid="versions-dialog" aria-labelledby="versions-title" onClose={props.onClose}>
      <div className="stack stack--wide">
        <div className="dialog__head">
          <h2 id="versions-title">{words("versions.title")}</h2>
          <Button id="versions-close" icon="close" onPress={() => dialog.current?.close()}>{t("action.close")}</Button>
        </div>
        {settled && (
          <Banner id="versions-settled" tone="ok" live>{words(settled === "mine" ? "versions.doneMine" : "versions.doneTheirs")}</Banner>
        )}
        <Loaded query={conflicts} isEmpty={(list) => list.length === 0} empty={<p data-testid="versions-none">{words("versions.none")} {words("versions.noneSub")}</p>}>
          {([first]) => first && (
            <>
              <p>{words("versions.sub")}</p>
              <TwoVersions key={first.id} conflict={first} helpPhone={props.app.help_phone} onSettled={setSettled} />
            </>
          )}
        </Loaded>
      </div>
    </dialog>
  );
}
