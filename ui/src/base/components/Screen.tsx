import { useEffect, useRef, type ReactNode } from "react";

/** A screen: one heading that takes the focus when the screen appears, and what belongs to it. */
export function Screen(props: { id: string; title: ReactNode; sub?: ReactNode; above?: ReactNode; children?: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
    heading.current?.closest(".app__scroll")?.scrollTo(0, 0);
  }, [props.id]);
  return (
    <div className="screen stack" data-testid={`screen-${props.id}`}>
      {props.above}
      <div className="screen__head">
        <h1 ref={heading} tabIndex={-1}>{props.title}</h1>
        {props.sub && <p className="soft">{props.sub}</p>}
      </div>
      {props.children}
    </div>
  );
}

/** Honest progress: bars for what is done, words for screen readers and for all. */
export function Steps(props: { done: number; of: number; label: string }) {
  return (
    <div className="steps" role="img" aria-label={props.label}>
      {Array.from({ length: props.of }, (_, index) => (
        <i key={index} className={index < props.done ? "steps__done" : ""} />
      ))}
    </div>
  );
}
