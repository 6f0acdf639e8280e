import { useFormats } from "../i18n/format";
import { useShared } from "../i18n/shared";
import { useApp } from "../query";

/** How old the data on this screen is: when this device last had everything from the server. */
export function AsOf() {
  const t = useShared();
  const f = useFormats();
  const at = useApp().data?.network.last_sync_at ?? null;
  if (at === null) return null;
  return <span data-testid="as-of">{t("state.asOf", { time: f.moment(at) })}</span>;
}
