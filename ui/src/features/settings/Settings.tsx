import { Button, LinkButton } from "../../base/components/Button";
import { Choice } from "../../base/components/Choice";
import { Trouble } from "../../base/components/Loaded";
import { Screen } from "../../base/components/Screen";
import { LinkTile } from "../../base/components/Tile";
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
      <Choice
        name="language"
        title={t("settings.language")}
        options={LANGUAGES.map(({ code }) => code)}
        chosen={app.language}
        words={(language) => <span lang={language}>{LANGUAGES.find(({ code }) => code === language)?.name}</span>}
        onChoose={(language) => set.run({ language, theme: app.theme })}
      />
      <Choice
        name="theme"
        title={t("settings.theme")}
        options={THEMES}
        chosen={app.theme}
        words={(theme) => t(`theme.${theme}`)}
        onChoose={(theme) => set.run({ language: app.language, theme })}
      />
      <Choice
        name="text"
        title={t("settings.text")}
        options={TEXT_SIZES}
        chosen={textSize}
        words={(percent) => t("settings.textSize", { percent })}
        onChoose={setTextSize}
      />
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
