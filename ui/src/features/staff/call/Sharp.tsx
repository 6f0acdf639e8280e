import { Button } from "../../../base/components/Button";
import { Trouble } from "../../../base/components/Loaded";
import { useCommand } from "../../../base/query";
import type { VisitView } from "../../../ipc/bindings";
import { commands } from "../../../ipc/transport";
import { Photo } from "../chart/Attachments";
import { useStaffWords } from "../words";

/** A sharp picture, asked for and given: what became of it, and the picture itself as long as the call lasts. */
export function Sharp(props: { visit: VisitView; name: string }) {
  const t = useStaffWords();
  const { visit, name } = props;
  const ask = useCommand(commands.visitAskSharp, { key: ["visit"] });
  const coming = visit.sharp_percent;
  return (
    <div className="sharp stack">
      <div className="row">
        <Button id="visit-ask-sharp" icon="camera" busy={ask.pending || visit.sharp_asked} onPress={() => ask.run()}>{t("sharp.ask")}</Button>
        <span role="status" data-testid="sharp-state">
          {visit.sharp_asked && t("sharp.asked", { name })}
          {!visit.sharp_asked && visit.sharp_answer && t(`sharp.answer.${visit.sharp_answer}`, { name })}
        </span>
        {coming !== null && <span className="soft" data-testid="sharp-coming">{t("sharp.coming", { percent: coming })}</span>}
      </div>
      {ask.failure && <Trouble error={ask.failure} />}
      {visit.sharp_id && <Photo key={visit.sharp_id} id={visit.sharp_id} number={0} name={t("sharp.picture", { name })} />}
    </div>
  );
}
