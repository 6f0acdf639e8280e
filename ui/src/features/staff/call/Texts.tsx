import { Button } from "../../../base/components/Button";
import { Field } from "../../../base/components/Field";
import { Trouble } from "../../../base/components/Loaded";
import { useTyped } from "../../../base/components/Typing";
import { useFormats } from "../../../base/i18n/format";
import { useCommand } from "../../../base/query";
import type { VisitView } from "../../../ipc/bindings";
import { commands } from "../../../ipc/transport";
import { useStaffWords } from "../words";

/** Lines that both sides can read: for a bad sound, a noisy street, a street name. */
export function Texts(props: { visit: VisitView }) {
  const t = useStaffWords();
  const f = useFormats();
  const { visit } = props;
  const name = visit.peer ?? t("case.noName");
  const [text, write, setText] = useTyped();
  const send = useCommand(commands.visitText, { key: ["visit"], onDone: () => setText("") });
  const give = () => {
    if (text.trim() !== "") send.run(text);
  };
  return (
    <div className="lines">
      {visit.texts.length > 0 && (
        <ol className="lines__list" aria-label={t("visit.texts")} data-testid="visit-texts">
          {visit.texts.map((line, index) => (
            <li key={index} className={line.mine ? "lines__mine" : undefined}>
              <span className="soft small">{line.mine ? t("visit.mine") : name} {f.clock(line.at)}</span> {line.text}
              {line.mine && <span className="soft small" data-arrived={line.arrived}> {t(line.arrived ? "visit.textArrived" : "visit.textWaits")}</span>}
            </li>
          ))}
        </ol>
      )}
      <div className="lines__write">
        <Field
          id="visit-text"
          label={t("visit.write")}
          hint={visit.live_text && t("visit.typingSeen", { name })}
          value={text}
          onChange={write}
          onEnter={give}
        />
        <Button id="visit-text-send" icon="send" busy={send.pending} onPress={give}>{t("action.send")}</Button>
      </div>
      {send.failure && <Trouble error={send.failure} />}
    </div>
  );
}
