import { useState } from "react";
import { Banner } from "../../base/components/Banner";
import { Button, LinkButton } from "../../base/components/Button";
import { Field } from "../../base/components/Field";
import { Trouble } from "../../base/components/Loaded";
import { useCommand } from "../../base/query";
import type { ReportView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";
import { reportKey } from "../report/queries";
import { useWords } from "../words";

type Kind = "correction" | "addition";

/** After sending nothing is changed, only added: a correction, more words, or "it got worse" in one tap. */
export function AddToReport(props: { report: ReportView }) {
  const t = useWords();
  const { id, send } = props.report;
  // Where the office asks for one thing, its answer is a correction: the field stands open.
  const [kind, setKind] = useState<Kind | null>(send.state === "attention" ? "correction" : null);
  const [worse, setWorse] = useState(false);
  const add = useCommand(commands.reportAdd, { key: reportKey(id), onDone: () => setKind(null) });
  return (
    <section className="stack" aria-labelledby="add-to">
      <h2 id="add-to">{t("copy.add")}</h2>
      {add.failure && <Trouble error={add.failure} />}
      {worse && !add.failure ? (
        <Banner id="worse-done" tone="ok" live>
          <div className="stack">
            <p>{t("copy.worseDone")}</p>
            <LinkButton id="worse-check" look="primary" icon="stethoscope" href={`#/check/of/${encodeURIComponent(id)}`}>
              {t("done.check")}
            </LinkButton>
          </div>
        </Banner>
      ) : (
        <Button
          id="add-worse"
          look="danger"
          icon="alert"
          busy={add.pending}
          onPress={() => {
            setWorse(true);
            add.run(id, "worse", null);
          }}
        >
          {t("copy.worse")}
        </Button>
      )}
      {kind === null ? (
        <>
          <Button id="add-correction" icon="pencil" onPress={() => setKind("correction")}>{t("copy.correct")}</Button>
          <Button id="add-addition" icon="plus" onPress={() => setKind("addition")}>{t("copy.more")}</Button>
        </>
      ) : (
        <AddText kind={kind} busy={add.pending} onGive={(text) => add.run(id, kind, text)} onCancel={() => setKind(null)} />
      )}
    </section>
  );
}

function AddText(props: { kind: Kind; busy: boolean; onGive: (text: string) => void; onCancel: () => void }) {
  const t = useWords();
  const [text, setText] = useState("");
  const [missing, setMissing] = useState(false);
  const give = () => (text.trim() === "" ? setMissing(true) : props.onGive(text.trim()));
  return (
    <div className="card card--line">
      <h3>{t(props.kind === "correction" ? "copy.correct" : "copy.more")}</h3>
      <Field
        id="add-text"
        lines={4}
        label={t("copy.text")}
        error={missing && text.trim() === "" ? t("copy.textMissing") : undefined}
        value={text}
        onChange={setText}
      />
      <div className="row">
        <Button id="add-cancel" onPress={props.onCancel}>{t("action.cancel")}</Button>
        <Button id="add-give" look="primary" busy={props.busy} onPress={give}>{t("action.send")}</Button>
      </div>
    </div>
  );
}
