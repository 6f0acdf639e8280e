import { Banner, State } from "../../base/components/Banner";
import { Button } from "../../base/components/Button";
import { Trouble } from "../../base/components/Loaded";
import { useCommand } from "../../base/query";
import type { VisitView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";
import { useWords } from "../words";

const key = ["visit"];

/** The other side asks for a sharp picture: it is taken and sent when the person says so, and kept only if they say that too. */
export function Sharp(props: { visit: VisitView; peer: string }) {
  const t = useWords();
  const { visit, peer } = props;
  const give = useCommand(commands.visitGiveSharp, { key });
  const refuse = useCommand(commands.visitRefuseSharp, { key });
  const failure = give.failure ?? refuse.failure;
  if (visit.sharp_wanted) {
    return (
      <Banner id="sharp-wanted" icon="camera" live>
        <p className="strong">{t("sharp.wanted", { name: peer })}</p>
        <p>{t("sharp.aim")}</p>
        <div className="call__controls sharp__answers">
          <Button id="sharp-show" look="primary" busy={give.pending} onPress={() => give.run(false)}>{t("sharp.show")}</Button>
          <Button id="sharp-keep" busy={give.pending} onPress={() => give.run(true)}>{t("sharp.keep")}</Button>
          <Button id="sharp-refuse" busy={refuse.pending} onPress={() => refuse.run()}>{t("visit.decline")}</Button>
        </div>
        {failure && <Trouble error={failure} />}
      </Banner>
    );
  }
  if (visit.sharp_given === null) return null;
  const sent = visit.sharp_given !== "declined";
  return (
    <div role="status">
      <State id="sharp-given" tone={sent ? "ok" : "soft"} icon={sent ? "check" : "close"}>{t(`sharp.given.${visit.sharp_given}`)}</State>
    </div>
  );
}
