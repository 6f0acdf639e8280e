// Pictures of a call: each message of the loopback WebSocket is a header and RGBA pixels. Newest wins.

import { useEffect, useRef, useState } from "react";

const HEADER_BYTES = 16;

/** A picture of the call, read from one message; null where its size does not fit its header. */
export function pictureOf(message: ArrayBuffer): { pixels: ImageData; number: number } | null {
  if (message.byteLength < HEADER_BYTES) return null;
  const head = new DataView(message);
  const width = head.getUint32(0, true);
  const height = head.getUint32(4, true);
  const bytes = width * height * 4;
  if (bytes === 0 || message.byteLength < HEADER_BYTES + bytes) return null;
  const pixels = new ImageData(new Uint8ClampedArray(message, HEADER_BYTES, bytes), width, height);
  return { pixels, number: head.getUint32(8, true) };
}

/** How long a lost picture socket waits before it opens again. */
const REOPEN_MS = 1000;

/** Different frame numbers are counted up to here: an hour of them is not kept in memory. */
const COUNTED = 1000;

/**
 * The canvas of one side. `data-frame` is the newest frame number, `data-frames` how many different
 * numbers were painted: tests of the call read both.
 */
export function Frames(props: { id: string; url: string | null; side: "remote" | "self"; name: string; waiting: string; label?: string; off?: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [painted, setPainted] = useState(false);
  const { url, side } = props;

  useEffect(() => {
    if (!url) return;
    let socket: WebSocket | null = null;
    let newest: ArrayBuffer | null = null;
    let request = 0;
    let reopen: ReturnType<typeof setTimeout> | undefined;
    let over = false;
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
      setPainted(true);
    };
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
      clearTimeout(reopen);
      cancelAnimationFrame(request);
      socket?.close();
    };
  }, [url, side]);

  const words = props.off ?? (painted ? undefined : props.waiting);
  return (
    <figure className={`frames frames--${side}`}>
      <canvas ref={canvas} data-testid={props.id} role="img" aria-label={props.name} width={640} height={480} />
      {words && <span className="frames__words">{words}</span>}
      {props.label && <figcaption className="frames__label" data-testid={`${props.id}-label`}>{props.label}</figcaption>}
    </figure>
  );
}
