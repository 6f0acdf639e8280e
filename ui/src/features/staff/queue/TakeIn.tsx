import { useId, useState } from "react";
import { Banner } from "../../../base/components/Banner";
import { Trouble } from "../../../base/components/Loaded";
import { useCommand } from "../../../base/query";
import type { TakenInView } from "../../../ipc/bindings";
import { commands } from "../../../ipc/transport";
import { useStaffWords } from "../words";

/** Takes in a file that a phone wrote where there was no signal. Only the server can read it. */
export function TakeIn() {
  const t = useStaffWords();
  const hint = useId();
  const [result, setResult] = useState<TakenInView | null>(null);
  const take = useCommand(commands.takeIn, { onDone: setResult });
  const choose = async (file: File | undefined) => {
    if (!file) return;
    setResult(null);
    take.run(await file.text());
  };
  return (
    <details className="take-in">
      <summary data-testid="take-in-open">{t("takeIn.title")}</summary>
      <div className="stack">
        <p className="soft small" id={hint}>{t("takeIn.why")}</p>
        <label className="stack">
          <span className="field__label">{t("takeIn.file")}</span>
          <input
            type="file"
            accept=".hmsach"
            data-testid="take-in-file"
            aria-describedby={hint}
            disabled={take.pending}
            onChange={(event) => {
              void choose(event.currentTarget.files?.[0]);
              // The same file may be given again after a failure.
              event.currentTarget.value = "";
            }}
          />
        </label>
        {take.pending && <p role="status">{t("takeIn.busy")}</p>}
        {take.failure?.code === "bad_file" ? (
          <Banner id="take-in-bad" tone="danger" live>{t("takeIn.bad")}</Banner>
        ) : (
          take.failure && <Trouble error={take.failure} />
        )}
        {result && (
          <Banner id="take-in-done" tone={result.refused > 0 ? "warn" : "ok"} live>
            <p>{t("takeIn.taken", { count: result.taken })} {result.known > 0 && t("takeIn.known", { count: result.known })}</p>
            {result.refused > 0 && <p>{t("takeIn.refused", { count: result.refused })}</p>}
          </Banner>
        )}
      </div>
    </details>
  );
}
