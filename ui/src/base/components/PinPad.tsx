import { useEffect, useState } from "react";
import { useShared } from "../i18n/shared";
import { Button } from "./Button";
import { Field } from "./Field";
import { Icon } from "./Icon";

const LONGEST = 12;
const USUAL = 6;

/**
 * Digits with big keys, and the keyboard. Where keys are kept in a sealed file a passphrase is asked for
 * instead. What is typed leaves this component only when it is given.
 */
export function PinPad(props: { phrase: boolean; give: string; busy: boolean; onGive: (pin: string) => void }) {
  return props.phrase ? <Phrase {...props} /> : <Digits {...props} />;
}

type Pad = { give: string; busy: boolean; onGive: (pin: string) => void };

function Digits(props: Pad) {
  const t = useShared();
  const [pin, setPin] = useState("");
  const [none, setNone] = useState(false);

  const press = (digit: string) => {
    setNone(false);
    setPin((typed) => (typed.length < LONGEST ? typed + digit : typed));
  };
  const erase = () => setPin((typed) => typed.slice(0, -1));
  const give = () => {
    if (props.busy) return;
    if (pin === "") return setNone(true);
    props.onGive(pin);
    setPin("");
  };

  useEffect(() => {
    const typed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (/^\d$/.test(event.key)) press(event.key);
      else if (event.key === "Backspace") erase();
      else if (event.key === "Enter" && !(event.target instanceof HTMLButtonElement || event.target instanceof HTMLAnchorElement)) give();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", typed);
    return () => removeEventListener("keydown", typed);
  });

  return (
    <div className="pin">
      <div className="pin__dots" role="status" data-testid="pin-entered">
        <span className="hidden-visually">{t("pin.entered", { count: pin.length })}</span>
        {Array.from({ length: Math.max(USUAL, pin.length) }, (_, index) => (
          <i key={index} className={index < pin.length ? "" : "pin__free"} aria-hidden="true" />
        ))}
      </div>
      {none && <p className="field__error" role="alert">{t("pin.none")}</p>}
      <div className="pin__keys">
        {["1", "2", "3", "4", "5", "6", "7", "8", "9"].map((digit) => (
          <Button key={digit} id={`pin-${digit}`} label={t("pin.digit", { digit })} onPress={() => press(digit)}>
            <span className="pin__digit">{digit}</span>
          </Button>
        ))}
        <Button id="pin-delete" label={t("pin.delete")} onPress={erase}><Icon name="erase" /></Button>
        <Button id="pin-0" label={t("pin.digit", { digit: "0" })} onPress={() => press("0")}>
          <span className="pin__digit">{"0"}</span>
        </Button>
        <Button id="pin-give" look="primary" label={props.give} busy={props.busy} onPress={give}><Icon name="check" /></Button>
      </div>
    </div>
  );
}

function Phrase(props: Pad) {
  const t = useShared();
  const [phrase, setPhrase] = useState("");
  const [none, setNone] = useState(false);
  const give = () => {
    if (phrase === "") return setNone(true);
    props.onGive(phrase);
    setPhrase("");
  };
  return (
    <div className="pin">
      <Field
        id="pin-phrase"
        type="password"
        label={t("pin.phrase")}
        error={none ? t("pin.none") : undefined}
        value={phrase}
        onChange={(typed) => {
          setNone(false);
          setPhrase(typed);
        }}
        onEnter={give}
      />
      <Button id="pin-give" look="primary" busy={props.busy} onPress={give}>{props.give}</Button>
    </div>
  );
}
