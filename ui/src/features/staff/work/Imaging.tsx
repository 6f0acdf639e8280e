import { useState } from "react";
import { Button } from "../../../base/components/Button";
import { Loaded, Trouble } from "../../../base/components/Loaded";
import { CheckTile } from "../../../base/components/Tile";
import { useFormats } from "../../../base/i18n/format";
import type { BodyPart, ChartView, SiteView } from "../../../ipc/bindings";
import { commands } from "../../../ipc/transport";
import { Panel } from "../Panel";
import { Pick } from "../Pick";
import { useChartCommand, useSites } from "../queries";
import { useStaffWords } from "../words";

const PARTS: BodyPart[] = [
  "head", "face", "eye", "neck", "shoulder", "upper_arm", "elbow", "forearm", "wrist", "hand", "chest", "abdomen",
  "upper_back", "lower_back", "hip", "thigh", "knee", "lower_leg", "ankle", "foot", "whole_body",
];

const SHOWN = 3;

/** Imaging at the nearest site that can do it; the reported part stands first. */
export function Imaging(props: { task: string; chart: ChartView }) {
  const t = useStaffWords();
  const f = useFormats();
  const sites = useSites(props.task);
  const { chart, task } = props;
  return (
    <Panel id="imaging" title={t("imaging.title")}>
      {chart.orders.length > 0 && (
        <ul className="orders" data-testid="imaging-orders">
          {chart.orders.map((order, index) => (
            <li key={index}>
              <strong>{order.site}</strong> <span className="soft">{t("imaging.orderedAt", { time: f.moment(order.at) })}</span>
              {order.address && order.address !== order.site && <p>{order.address}</p>}
            </li>
          ))}
        </ul>
      )}
      <Loaded query={sites} isEmpty={(list) => list.length === 0} empty={<p className="soft" data-testid="imaging-none">{t("imaging.none")}</p>}>
        {(list) => <Order task={task} chart={chart} sites={list} />}
      </Loaded>
    </Panel>
  );
}

function Order(props: { task: string; chart: ChartView; sites: SiteView[] }) {
  const t = useStaffWords();
  const f = useFormats();
  const { task, chart, sites } = props;
  const hurt = chart.report?.places.map((place) => place.part) ?? [];
  const parts = [...new Set([...hurt, ...PARTS])];
  const [part, setPart] = useState<BodyPart>(hurt[0] ?? "whole_body");
  const [site, setSite] = useState(sites[0]?.id ?? "");
  const [all, setAll] = useState(false);
  const order = useChartCommand(task, commands.orderImaging);
  return (
    <>
      <Pick
        id="imaging-part"
        label={t("imaging.part")}
        value={part}
        options={parts.map((item) => ({ value: item, text: t(`part.${item}`) }))}
        onPick={(picked) => setPart(parts.find((item) => item === picked) ?? part)}
      />
      <fieldset className="sites">
        <legend className="field__label">{t("imaging.where")}</legend>
        {(all ? sites : sites.slice(0, SHOWN)).map((item, index) => (
          <CheckTile key={item.id} id={`imaging-site-${index}`} kind="radio" name="imaging-site" checked={site === item.id} onChange={() => setSite(item.id)}>
            {item.name}
            <span className="tile__sub">
              {[item.distance_km !== null && f.distance(item.distance_km), item.address === item.name ? null : item.address].filter((text) => !!text).join(" · ")}
            </span>
          </CheckTile>
        ))}
      </fieldset>
      {order.failure && <Trouble error={order.failure} />}
      <div className="row row--ends">
        {sites.length > SHOWN && !all ? (
          <Button id="imaging-more" look="quiet" onPress={() => setAll(true)}>{t("imaging.more", { count: sites.length - SHOWN })}</Button>
        ) : <span />}
        <Button id="imaging-order" icon="plus" busy={order.pending} onPress={() => order.run(task, site, part)}>{t("imaging.order")}</Button>
      </div>
    </>
  );
}
