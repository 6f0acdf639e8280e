import type { MouseEvent, ReactNode } from "react";
import { Icon, type IconName } from "./Icon";

export type Look = "primary" | "secondary" | "danger" | "danger-solid" | "quiet";

type Shared = {
  /** For tests: stable, and never shown. */
  id: string;
  look?: Look;
  icon?: IconName;
  wide?: boolean;
  children: ReactNode;
};

const classes = (props: Shared) =>
  `button button--${props.look ?? "secondary"}${props.wide ? " button--wide" : ""}`;

/** A button. It is never disabled: pressing it says what is missing. */
export function Button(
  props: Shared & {
    onPress: () => void;
    /** For a button that stays down. */
    pressed?: boolean;
    /** Work is under way; a second press does nothing. */
    busy?: boolean;
    /** Accessible name, where the words on it are not enough. */
    label?: string;
    /** Says what this button opens or closes. */
    expanded?: boolean;
    controls?: string;
  },
) {
  return (
    <button
      type="button"
      className={classes(props)}
      data-testid={props.id}
      aria-pressed={props.pressed}
      aria-busy={props.busy || undefined}
      aria-label={props.label}
      aria-expanded={props.expanded}
      aria-controls={props.controls}
      onClick={() => {
        if (!props.busy) props.onPress();
      }}
    >
      {props.icon && <Icon name={props.icon} />}
      <span>{props.children}</span>
    </button>
  );
}

/** A link that looks like a button: to a screen (`#/…`), a number (`tel:`) or an address. */
export function LinkButton(props: Shared & { href: string; onPress?: (event: MouseEvent) => void; label?: string }) {
  return (
    <a className={classes(props)} href={props.href} data-testid={props.id} onClick={props.onPress} aria-label={props.label}>
      {props.icon && <Icon name={props.icon} />}
      <span>{props.children}</span>
    </a>
  );
}
