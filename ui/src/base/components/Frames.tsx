// Pictures of a call, wherever they come from. Newest wins.

import { useEffect, useRef, useState } from "react";
import { picturesOf, type Shown } from "../../ipc/pictures";

/** A moving picture that is older has stopped: nobody is to take it for live. */
const STOPPED_MS = 2000;

/** What the newest picture is, once it is not simply live. */
export type Age = { still: boolean; seconds: number };

/** The age to tell of a picture; null while it is one of a moving one. */
export function ageOf(still: boolean, ms: number): Age | null {
  return still || ms > STOPPED_MS ? { still, seconds: Math.floor(ms / 1000) } : null;
}

/** Different frame numbers are counted up to here: an hour of them is not kept in memory. */
const COUNTED = 1000;

/**
 * The canvas of one side. `data-frame` is the newest frame number, `data-frames` how many different
 * numbers were painted: tests of the call read both.
 */
export function Frames(props: {
  id: string;
  url: string | null;
  side: "remote" | "self";
  name: string;
  waiting: string;
  label?: string;
  /** Why there is no picture: covers the last one. */
  off?: string;
  /** Words for a picture that is a still, or has stopped. */
  age: (age: Age) => string | null;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [painted, setPainted] = useState(false);
  const [age, setAge] = useState<Age | null>(null);
  const { url, side } = props;

  useEffect(() => {
    if (!url) return;
    let newest: Shown | null = null;
    let request = 0;
    let newestAge: { still: boolean; taken: number } | null = null;
    const numbers = new Set<number>();

    const paint = () => {
      request = 0;
      const target = canvas.current;
      const picture = newest;
      newest = null;
      const context = target?.getContext("2d");
      if (!target || !picture || !context) return;
      if (target.width !== picture.width) target.width = picture.width;
      if (target.height !== picture.height) target.height = picture.height;
      picture.draw(context);
      if (numbers.size < COUNTED) numbers.add(picture.number);
      target.dataset["frame"] = String(picture.number);
      target.dataset["frames"] = String(numbers.size);
      newestAge = picture;
      setPainted(true);
      tellAge();
    };
    const tellAge = () => {
      const now = newestAge && ageOf(newestAge.still, performance.now() - newestAge.taken);
      setAge((before) => (before?.still === now?.still && before?.seconds === now?.seconds ? before : now));
    };
    const clock = setInterval(tellAge, 500);
    const stop = picturesOf(url, side, (picture) => {
      newest = picture;
      request ||= requestAnimationFrame(paint);
    });

    return () => {
      stop();
      clearInterval(clock);
      cancelAnimationFrame(request);
    };
  }, [url, side]);

  const words = props.off ?? (painted ? undefined : props.waiting);
  const old = !words && age ? props.age(age) : null;
  return (
    <figure className={`frames frames--${side}`}>
      <canvas ref={canvas} data-testid={props.id} role="img" aria-label={props.name} width={640} height={480} />
      {words && <span className={`frames__words${props.off ? " frames__words--over" : ""}`}>{words}</span>}
      {old && <span className="frames__age" data-testid={`${props.id}-age`} data-still={age?.still}>{old}</span>}
      {props.label && <figcaption className="frames__label" data-testid={`${props.id}-label`}>{props.label}</figcaption>}
    </figure>
  );
}
