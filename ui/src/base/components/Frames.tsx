// Pictures of a call: each message of the loopback WebSocket is a header and RGBA pixels. Newest wins.

import { useEffect, useRef, useState } from "react";

const HEADER_BYTES = 20;
const STILL = 2;

type Picture = { pixels: ImageData; number: number; still: boolean; ageMs: number };

/** A picture of the call, read from one message; null where its size does not fit its header. */
export function pictureOf(message: ArrayBuffer): Picture | null {
  if (message.byteLength < HEADER_BYTES) return null;
  const head = new DataView(message);
  const width = head.getUint32(0, true);
  const height = head.getUint32(4, true);
  const bytes = width * height * 4;
  if (bytes === 0 || message.byteLength < HEADER_BYTES + bytes) return null;
  const pixels = new ImageData(new Uint8ClampedArray(message, HEADER_BYTES, bytes), width, height);
  return { pixels, number: head.getUint32(8, true), still: (head.getUint32(12, true) & STILL) !== 0, ageMs: head.getUint32(16, true) };
}

/** A moving picture that is older has stopped: nobody is to take it for live. */
const STOPPED_MS = 2000;

/** What the newest picture is, once it is not simply live. */
export type Age = { still: boolean; seconds: number };

/** The age to tell of a picture; null while it is one of a moving one. */
export function ageOf(still: boolean, ms: number): Age | null {
  return still || ms > STOPPED_MS ? { still, seconds: Math.floor(ms / 1000) } : null;
}

/** How long a lost picture socket waits before it opens again. */
const REOPEN_MS = 1000;

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
    let socket: WebSocket | null = null;
    let newest: ArrayBuffer | null = null;
    let request = 0;
    let reopen: ReturnType<typeof setTimeout> | undefined;
    let over = false;
    let newestAge: { still: boolean; taken: number } | null = null;
    const numbers = new Set<number>();

    const paint = () => {
      request = 0;
      const target = canvas.current;
      const picture = newest && pictureOf(newest);
      newest = null;
      if (!target || !picture) return;
      if (target.width !== picture.pixels.width) target.width = picture.pixels.width;
      if (target.height !== picture.pixels.height) target.height = picture.pixels.height;
      target.getContext("2d")?.putImageData(picture.pixels, 0, 0);
      if (numbers.size < COUNTED) numbers.add(picture.number);
      target.dataset["frame"] = String(picture.number);
      target.dataset["frames"] = String(numbers.size);
      newestAge = { still: picture.still, taken: performance.now() - picture.ageMs };
      setPainted(true);
      tellAge();
    };
    const tellAge = () => {
      const now = newestAge && ageOf(newestAge.still, performance.now() - newestAge.taken);
      setAge((before) => (before?.still === now?.still && before?.seconds === now?.seconds ? before : now));
    };
    const clock = setInterval(tellAge, 500);
    const open = () => {
      socket = new WebSocket(`${url}/${side}`);
      socket.binaryType = "arraybuffer";
      socket.onmessage = (message) => {
        if (message.data instanceof ArrayBuffer) newest = message.data;
        request ||= requestAnimationFrame(paint);
      };
      socket.onclose = () => {
        if (!over) reopen = setTimeout(open, REOPEN_MS);
      };
    };
    open();

    return () => {
      over = true;
      clearInterval(clock);
      clearTimeout(reopen);
      cancelAnimationFrame(request);
      socket?.close();
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
