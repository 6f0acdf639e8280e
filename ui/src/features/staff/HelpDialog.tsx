import { useEffect, useRef } from "react";
import { Button } from "../../base/components/Button";
import { CheckTile } from "../../base/components/Tile";
import { Facts, Points } from "../../base/components/Field";
import { PhoneLink } from "../../base/components/PhoneLink";
import { setTextSize, TEXT_SIZES, useTextSize } from "../../base/look";
import type { AppView } from "../../ipc/bindings";
import { Pick } from "./Pick";
import { SHORTCUTS, setShortcutsOn, useShortcutsOn } from "./shortcuts";
import { useStaffWords } from "./words";

/** Help that needs no link: whom to call, what works offline, and the keys. */
export function HelpDialog(props: { app: AppView; onClose: () => void }) {
  const t = useStaffWords();
  const dialog = useRef<HTMLDialogElement>(null);
  const keysOn = useShortcutsOn();
  const size = useTextSize();
  const { app } = props;
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="dialog" data-testid="help" aria-labelledby="help-title" onClose={props.onClose}>
      <div className="stack stack--wide">
        <div className="dialog__head">
          <h2 id="help-title">{t("help.title")}</h2>
          <Button id="help-close" icon="close" onPress={() => dialog.current?.close()}>{t("action.close")}</Button>
        </div>
        <p>{t("help.call")}</p>
        <div className="row"><PhoneLink id="help-phone" number={app.help_phone} /></div>
        <section className="stack">
          <h3>{t("help.offline")}</h3>
          <Points items={[t("help.offline1"), t("help.offline2"), t("help.offline3")]} />
        </section>
        <section className="stack">
          <h3>{t("keys.title")}</h3>
          <p className="soft">{t("keys.sub")}</p>
          <dl className="keys" data-testid="help-keys">
            {SHORTCUTS.map((key) => (
              <div key={key.code}>
                <dt><kbd>{key.shown}</kbd></dt>
                <dd>{t(`keys.${key.does}`)}</dd>
              </div>
            ))}
          </dl>
          <CheckTile id="keys-on" name="keys-on" checked={keysOn} onChange={setShortcutsOn}>{t("keys.on")}</CheckTile>
        </section>
        <div className="row">
          <Pick
            id="set-text"
            label={t("settings.text")}
            value={String(size)}
            options={TEXT_SIZES.map((percent) => ({ value: String(percent), text: t("settings.textSize", { percent }) }))}
            onPick={(picked) => {
              const chosen = TEXT_SIZES.find((percent) => String(percent) === picked);
              if (chosen) setTextSize(chosen);
            }}
          />
        </div>
        <Facts
          items={[
            { key: "server", name: t("settings.server"), value: app.server },
            { key: "version", name: t("help.version"), value: app.version },
          ]}
        />
      </div>
    </dialog>
  );
}
