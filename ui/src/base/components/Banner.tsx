import type { ReactNode } from "react";
import { Icon, type IconName } from "./Icon";

export type Tone = "plain" | "warn" | "danger" | "ok";

const ICONS: Record<Tone, IconName> = { plain: "help", warn: "alert", danger: "alert", ok: "check" };

/** A message across the screen. `live` reads it out when it appears. */
export function Banner(props: {
  id: string;
  tone?: Tone;
  icon?: IconName;
  flat?: boolean;
  live?: boolean;
  children: ReactNode;
}) {
  const tone = props.tone ?? "plain";
  return (
    <div
      className={`banner banner--${tone}${props.flat ? " banner--flat" : ""}`}
      data-testid={props.id}
      role={props.live ? "status" : undefined}
    >
      <Icon name={props.icon ?? ICONS[tone]} />
      <div className="banner__text">{props.children}</div>
    </div>
  );
}

/** A state in a line of text: shape and word. */
export function State(props: {
  id?: string;
  tone: "ok" | "warn" | "danger" | "soft" | "plain";
  icon: IconName;
  moving?: boolean;
  children: ReactNode;
}) {
  return (
    <span className={`state state--${props.tone}${props.moving ? " state--moving" : ""}`} data-testid={props.id}>
      <Icon name={props.icon} size="1.2em" />
      <span>{props.children}</span>
    </span>
  );
}
