import type { ReactNode } from "react";

/** Puts the focus on a panel's heading, where what held it has gone away. */
export function focusPanel(id: string): void {
  requestAnimationFrame(() => document.getElementById(`${id}-title`)?.focus());
}

/** A part of the screen with a heading that keys can jump to. */
export function Panel(props: { id: string; title: ReactNode; aside?: ReactNode; flat?: boolean; children: ReactNode }) {
  return (
    <section className={`panel${props.flat ? " panel--flat" : ""}`} aria-labelledby={`${props.id}-title`} data-testid={`panel-${props.id}`}>
      <div className="panel__head">
        <h3 id={`${props.id}-title`} data-testid={`${props.id}-title`} tabIndex={-1}>{props.title}</h3>
        {props.aside && <span className="soft small">{props.aside}</span>}
      </div>
      {props.children}
    </section>
  );
}
