import { Button, LinkButton } from "../../base/components/Button";
import { Trouble } from "../../base/components/Loaded";
import { Screen } from "../../base/components/Screen";
import { CheckTile, LinkTile } from "../../base/components/Tile";
import { LANGUAGES } from "../../base/i18n";
import { setTextSize, TEXT_SIZES, useTextSize } from "../../base/look";
import { useCommand } from "../../base/query";
import { go } from "../../base/router";
import type { AppView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";
import { useWords } from "../words";

const THEMES = ["auto", "light", "dark", "sun"] as const;

/** Language, colours and text size; sending and locking by hand. */
export function Settings(props: { app: AppView }) {
  const t = useWords();
  const { app } = props;
  const set = useCommand(commands.setPreferences, { key: ["app"] });
  const lock = useCommand(commands.lock, { key: ["app"], onDone: () => go() });
  const sync = useCommand(commands.syncNow, { key: ["app"] });
  const textSize = useTextSize();
  const failure = set.failure ?? lock.failure ?? sync.failure;
  return (
    <Screen id="settings" title={t("settings.title")}>
      {failure && <Trouble error={failure} />}
      <Choice title={t("settings.language")}>
        {LANGUAGES.map(({ code, name }) => (
          <CheckTile
            key={code}
            id={`language-${code}`}
            kind="radio"
            name="language"
            checked={app.language === code}
            onChange={() => set.run({ language: code, theme: app.theme })}
          >
            <span lang={code}>{name}</span>
          </CheckTile>
        ))}
      </Choice>
      <Choice title={t("settings.theme")}>
        {THEMES.map((theme) => (
          <CheckTile
            key={theme}
            id={`theme-${theme}`}
            kind="radio"
            name="theme"
            checked={app.theme === theme}
            onChange={() => set.run({ language: app.language, theme })}
          >
            {t(`theme.${theme}`)}
          </CheckTile>
        ))}
      </Choice>
      <Choice title={t("settings.text")}>
        {TEXT_SIZES.map((percent) => (
          <CheckTile
            key={percent}
            id={`text-${percent}`}
            kind="radio"
            name="text"
            checked={textSize === percent}
            onChange={() => setTextSize(percent)}
          >
            {t("settings.textSize", { percent })}
          </CheckTile>
        ))}
      </Choice>
      {app.phase === "open" && (
        <>
          <Button id="sync-now" icon="sync" busy={sync.pending} onPress={() => sync.run()}>{t("settings.sync")}</Button>
          <LinkTile id="settings-storage" href="#/storage" icon="copy">{t("settings.storage")}</LinkTile>
          <LinkTile id="settings-phone" href="#/phone" icon="people">{t("settings.phone")}</LinkTile>
          <Button id="lock" icon="lock" busy={lock.pending} onPress={() => lock.run()}>{t("pin.lock")}</Button>
        </>
      )}
      <div className="dock"><LinkButton id="back" href="#/" icon="back">{t("action.back")}</LinkButton></div>
    </Screen>
  );
}

function Choice(props: { title: string; children: React.ReactNode }) {
  return (
    <fieldset>
      <legend><h2>{props.title}</h2></legend>
      <div className="tiles">{props.children}</div>
    </fieldset>
  );
}
