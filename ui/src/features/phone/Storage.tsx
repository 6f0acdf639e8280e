import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Banner } from "../../base/components/Banner";
import { Button, LinkButton } from "../../base/components/Button";
import { Choice } from "../../base/components/Choice";
import { Facts, Points } from "../../base/components/Field";
import { Loaded, Trouble } from "../../base/components/Loaded";
import { Screen } from "../../base/components/Screen";
import { CheckTile } from "../../base/components/Tile";
import { useFormats } from "../../base/i18n/format";
import { useShared } from "../../base/i18n/shared";
import { answerOf, useCommand } from "../../base/query";
import type { AmountView, DataUseView, ForeignServerView, StorageView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";
import { usePhoneWords } from "./words";

const KEY = ["app", "storage"];
const CHOICES = ["ask", "always"] as const;

/** What this phone holds, what it sent, and freeing space that the server has no need of. */
export function Storage() {
  const t = usePhoneWords();
  const shared = useShared();
  const f = useFormats();
  const storage = useQuery<StorageView>({ queryKey: KEY, queryFn: () => answerOf(commands.storage()) });
  const as_of = storage.data?.as_of ?? null;
  return (
    <Screen
      id="storage"
      title={t("storage.title")}
      sub={as_of === null ? t("storage.sub") : t("storage.asOf", { time: f.moment(as_of) })}
    >
      <Loaded query={storage}>{(view) => <Parts view={view} />}</Loaded>
      <div className="dock"><LinkButton id="back" href="#/settings" icon="back">{shared("action.back")}</LinkButton></div>
    </Screen>
  );
}

function Parts(props: { view: StorageView }) {
  const t = usePhoneWords();
  const f = useFormats();
  const { view } = props;
  const amount = ({ count, bytes }: AmountView) =>
    count === 0 ? t("storage.none") : t("storage.amount", { count: f.number(count), bytes: f.bytes(bytes) });
  return (
    <>
      <section className="card stack">
        <h2>{t("storage.holds")}</h2>
        <Facts
          items={[
            { key: "records", name: t("storage.records"), value: amount(view.records) },
            { key: "photos", name: t("storage.photos"), value: amount(view.photos) },
            { key: "unsent", name: t("storage.unsent"), value: amount(view.unsent) },
            { key: "oldest", name: t("storage.oldest"), value: view.oldest_at === null ? t("storage.none") : f.stamp(view.oldest_at) },
            { key: "mine", name: t("storage.mine"), value: f.bytes(view.here_bytes) },
            { key: "others", name: t("storage.others"), value: view.others_bytes === 0 ? t("storage.none") : f.bytes(view.others_bytes) },
            { key: "free", name: t("storage.free"), value: view.free_bytes === null ? t("storage.freeUnknown") : f.bytes(view.free_bytes) },
          ]}
        />
      </section>
      <FreeUp view={view} />
      <section className="card stack">
        <h2>{t("storage.use")}</h2>
        <Use id="today" title={t("storage.today")} use={view.today} />
        <Use id="month" title={t("storage.month")} use={view.month} />
      </section>
      <Large view={view} />
      {view.foreign && <Foreign server={view.foreign} />}
    </>
  );
}

function Use(props: { id: string; title: string; use: DataUseView[] }) {
  const t = usePhoneWords();
  const f = useFormats();
  return (
    <div data-testid={`use-${props.id}`}>
      <h3>{props.title}</h3>
      {props.use.length === 0 && <p className="soft">{t("storage.nothing")}</p>}
      <Facts
        items={props.use.map(({ kind, sent, received }) => ({
          key: kind,
          name: t(`storage.kind.${kind}`),
          value: t("storage.sent", { sent: f.bytes(sent), received: f.bytes(received) }),
        }))}
      />
    </div>
  );
}

/** Says first how much it is; what is not sent is never part of it. */
function FreeUp(props: { view: StorageView }) {
  const t = usePhoneWords();
  const f = useFormats();
  const [done, setDone] = useState(false);
  const free = useCommand(commands.freeUp, { key: KEY, onDone: () => setDone(true) });
  const { count, bytes } = props.view.can_free;
  return (
    <section className="card stack">
      <h2>{t("storage.freeUp")}</h2>
      {free.failure && <Trouble error={free.failure} />}
      {done && <Banner id="freed" tone="ok" live>{t("storage.freed")}</Banner>}
      <p>{count === 0 ? t("storage.freeUpNone") : t("storage.freeUpWhat", { count, bytes: f.bytes(bytes) })}</p>
      {count > 0 && (
        <>
          <p className="soft">{t("storage.freeUpKept")}</p>
          <div className="row"><Button id="free-up" busy={free.pending} onPress={() => free.run()}>{t("storage.freeUp")}</Button></div>
        </>
      )}
    </section>
  );
}

/** Large photos on a link that costs. Where the phone does not say what the link costs, the person can. */
function Large(props: { view: StorageView }) {
  const t = usePhoneWords();
  const set = useCommand(commands.setLargeMedia, { key: KEY });
  const mark = useCommand(commands.markLinkCostly, { key: KEY });
  const { view } = props;
  const failure = set.failure ?? mark.failure;
  return (
    <section className="stack">
      {failure && <Trouble error={failure} />}
      <Choice
        name="large"
        title={t("storage.large")}
        hint={<p className="soft">{t("storage.largeWhy")}</p>}
        list
        options={CHOICES}
        chosen={view.large_media}
        words={(choice) => t(`storage.large.${choice}`)}
        onChoose={set.run}
      />
      {view.link_said_to_cost ? (
        <p data-testid="link-said">{t("storage.linkSaid")}</p>
      ) : (
        <div className="stack">
          <p className="soft">{t("storage.linkUnsaid")}</p>
          <CheckTile id="link-costs" name="link-costs" checked={view.link_marked_costly} onChange={mark.run}>
            {t("storage.linkCosts")}
          </CheckTile>
        </div>
      )}
    </section>
  );
}

/** A server that is not ours, and what it cannot do. */
function Foreign(props: { server: ForeignServerView }) {
  const t = usePhoneWords();
  const { name, lacks } = props.server;
  return (
    <section className="card stack" data-testid="foreign">
      <h2>{t("storage.foreign")}</h2>
      <p>{name ? t("storage.foreignName", { name }) : t("storage.foreignWhat")}</p>
      <Points items={[t("storage.foreignNot"), ...lacks.map((lack) => t(`storage.lack.${lack}`))]} />
    </section>
  );
}
