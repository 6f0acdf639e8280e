import type { ReactNode } from "react";
import { Icon, type IconName } from "./Icon";

/** A large answer or way on. `chosen` marks the answer given earlier. */
export function Tile(props: {
  id: string;
  icon?: IconName;
  chosen?: boolean;
  tall?: boolean;
  sub?: ReactNode;
  onPress: () => void;
  children: ReactNode;
}) {
  return (
    <button
      type="button"
      className={`tile${props.tall ? " tile--tall" : ""}`}
      data-testid={props.id}
      aria-pressed={props.chosen}
      onClick={props.onPress}
    >
      {props.icon && <Icon name={props.icon} size="1.75em" />}
      <span className="tile__text">
        {props.children}
        {props.sub && <span className="tile__sub">{props.sub}</span>}
      </span>
    </button>
  );
}

/** A large way on to another screen. */
export function LinkTile(props: { id: string; href: string; icon?: IconName; sub?: ReactNode; children: ReactNode }) {
  return (
    <a className="tile" href={props.href} data-testid={props.id}>
      {props.icon && <Icon name={props.icon} size="1.5em" />}
      <span className="tile__text">
        {props.children}
        {props.sub && <span className="tile__sub">{props.sub}</span>}
      </span>
      <Icon name="next" />
    </a>
  );
}

/** One box of a tap-all list, or one choice of several. The whole tile is the target. */
export function CheckTile(props: {
  id: string;
  kind?: "checkbox" | "radio";
  name: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
  children: ReactNode;
}) {
  const kind = props.kind ?? "checkbox";
  return (
    <label className="tile" data-testid={props.id}>
      <input type={kind} name={props.name} checked={props.checked} onChange={(event) => props.onChange(event.target.checked)} />
      <span className={`mark${kind === "radio" ? " mark--round" : ""}`}>
        <Icon name="check" size="1em" />
      </span>
      <span className="tile__text">{props.children}</span>
    </label>
  );
}
