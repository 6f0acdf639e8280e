import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Banner } from "../../base/components/Banner";
import { Button, LinkButton } from "../../base/components/Button";
import { Empty, Loaded, Trouble } from "../../base/components/Loaded";
import { Screen } from "../../base/components/Screen";
import { LinkTile } from "../../base/components/Tile";
import { SendLine, SendTimes } from "../../base/components/SendLine";
import { useFormats } from "../../base/i18n/format";
import { answerOf, useCommand } from "../../base/query";
import type { AppView, HandOverView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";
import { useDraft } from "../report/queries";
import { useWords } from "../words";
import { SendNow } from "./SendNow";

const KINDS = ["report", "addition", "check", "photo"] as const;

/** What the server has not acknowledged, entry by entry. "All is sent" is said only where nothing waits. */
export function Outbox(props: { app: AppView }) {
  const t = useWords();
  const f = useFormats();
  const outbox = useQuery({ queryKey: ["outbox"], queryFn: () => answerOf(commands.outbox()) });
  const draft = useDraft();
  const sync = useCommand(commands.syncNow, { key: ["app"] });
  const { last_sync_at, checked } = props.app.network;
  return (
    <Screen
      id="outbox"
      title={t("outbox.title")}
      sub={last_sync_at === null ? t("outbox.never") : t("outbox.lastSync", { time: f.moment(last_sync_at) })}
    >
      {sync.failure && <Trouble error={sync.failure} />}
      {checked && (
        <p className="soft small" data-testid="outbox-checked">
          {checked.mended > 0
            ? t("outbox.mended", { time: f.moment(checked.at), count: checked.mended })
            : t("outbox.checked", { time: f.moment(checked.at) })}
        </p>
      )}
      {draft.data && (
        <div className="card card--line" data-testid="outbox-draft">
          <p className="strong">{t("outbox.kind.report")}</p>
          <SendLine id="send-draft" send={{ state: "draft" }} />
          <LinkButton id="draft-go-on" icon="pencil" href="#/report/check">{t("home.hurtDraft")}</LinkButton>
        </div>
      )}
      <Loaded
        query={outbox}
        isEmpty={(list) => list.length === 0}
        empty={<Empty id="outbox-empty"><p className="strong">{t("outbox.empty")}</p></Empty>}
      >
        {(list) => (
          <ul className="rows" aria-live="polite" data-testid="outbox-list">
            {list.map((item) => {
              const kind = KINDS.find((known) => known === item.kind) ?? "other";
              return (
                <li className="card card--line" key={item.id} data-testid={`outbox-${item.id}`}>
                  <div>
                    <p className="strong">{item.what ? `${t(`outbox.kind.${kind}`)}: ${t(`what.${item.what}`)}` : t(`outbox.kind.${kind}`)}</p>
                    <p className="soft small">{t("outbox.made", { time: f.stamp(item.made_at) })}</p>
                  </div>
                  <SendLine id={`send-${item.id}`} send={item.send} />
                  <SendTimes send={item.send} />
                  <SendNow id={item.id} send={item.send} />
                  {item.send.state === "conflict" && (
                    <LinkButton id={`versions-${item.id}`} icon="copy" href={`#/versions/${encodeURIComponent(item.id)}`}>{t("send.compare")}</LinkButton>
                  )}
                </li>
              );
            })}
          </ul>
        )}
      </Loaded>
      {outbox.data && outbox.data.length > 0 && <HandOver />}
      <LinkTile id="outbox-phone" href="#/phone" icon="people" sub={t("outbox.phoneSub")}>{t("settings.phone")}</LinkTile>
      <div className="dock">
        <LinkButton id="back" href="#/" icon="back">{t("action.back")}</LinkButton>
        <Button id="sync-now" look="primary" icon="sync" busy={sync.pending} onPress={() => sync.run()}>{t("action.tryNow")}</Button>
      </div>
    </Screen>
  );
}

/** Where no signal will come: a file that a nurse's computer takes in. It leaves nothing here undone. */
function HandOver() {
  const t = useWords();
  const [file, setFile] = useState<HandOverView | null>(null);
  const write = useCommand(commands.handOver, { onDone: setFile });
  return (
    <section className="card stack" aria-labelledby="hand-over-title">
      <h2 id="hand-over-title">{t("handOver.title")}</h2>
      <p className="soft">{t("handOver.why")}</p>
      {write.failure && <Trouble error={write.failure} />}
      {file && (
        <Banner id="hand-over-done" tone="ok" live>
          <p className="strong">{t("handOver.done", { count: file.entries })}</p>
          <p className="path">{file.path}</p>
          <p>{t("handOver.next")}</p>
        </Banner>
      )}
      <div className="row"><Button id="hand-over" busy={write.pending} onPress={() => write.run()}>{t("handOver.write")}</Button></div>
    </section>
  );
}
