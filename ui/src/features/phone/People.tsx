import { Trouble } from "../../base/components/Loaded";
import { Tile } from "../../base/components/Tile";
import { useCommand } from "../../base/query";
import { go } from "../../base/router";
import { commands } from "../../ipc/transport";
import { PHONE, useForgetAll, usePhone } from "./queries";
import { usePhoneWords } from "./words";

/** Everybody on this phone, by initials; whoever is chosen unlocks with a PIN of their own. */
export function People(props: { place: "above" | "below" }) {
  const t = usePhoneWords();
  const phone = usePhone();
  const forget = useForgetAll();
  const done = () => {
    forget();
    go();
  };
  const choose = useCommand(commands.choosePerson, { key: PHONE, onDone: done });
  const add = useCommand(commands.someoneElse, { key: PHONE, onDone: done });
  const view = phone.data;
  if (!view) return null;
  const known = view.people.filter(({ initials }) => initials !== "");
  // Above the PIN where there are several: nobody types theirs at another's place.
  if (known.length === 0 || (props.place === "above") !== known.length > 1) return null;
  const trouble = choose.failure ?? (add.failure?.code === "taken" ? null : add.failure);
  const newHere = view.people.some(({ here, initials }) => here && initials === "");
  return (
    <section className="stack" aria-labelledby="people" data-testid="people">
      <h2 id="people">{t("people.title")}</h2>
      {trouble && <Trouble error={trouble} />}
      <div className="tiles tiles--people">
        {known.map(({ seat, initials, here }) => (
          <Tile key={seat} id={`person-${seat}`} icon="person" chosen={here} onPress={() => choose.run(seat)}>
            {t(here ? "people.here" : "people.choose", { initials })}
          </Tile>
        ))}
        {!newHere && view.room && (
          <Tile id="person-else" icon="plus" onPress={() => add.run()}>{t("people.else")}</Tile>
        )}
      </div>
      {!view.room && <p className="soft">{t("people.full")}</p>}
    </section>
  );
}
