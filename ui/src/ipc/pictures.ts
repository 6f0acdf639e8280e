// Where the pictures of a call come from: in the app, messages of a loopback WebSocket, each a header and RGBA pixels.

const HEADER_BYTES = 20;
const STILL = 2;
/** How long a lost picture socket waits before it opens again. */
const REOPEN_MS = 1000;

export type Side = "remote" | "self";

/** A picture that can be drawn now. */
export type Shown = {
  width: number;
  height: number;
  draw: (context: CanvasRenderingContext2D) => void;
  /** Differs from the picture before it. */
  number: number;
  /** It is a single one, not one of a moving picture. */
  still: boolean;
  /** When it was taken, on the clock of `performance.now()`. */
  taken: number;
};

/** Gives pictures until it is stopped. */
export type Source = (url: string, side: Side, give: (picture: Shown) => void) => () => void;

let source: Source = bySocket;

/** Pictures come from elsewhere: the page in a browser has its own. */
export function setPictures(other: Source): void {
  source = other;
}

/** The pictures of a side. */
export const picturesOf: Source = (url, side, give) => source(url, side, give);

/** A picture of the call, read from one message; null where its size does not fit its header. */
export function pictureOf(message: ArrayBuffer): Shown | null {
  if (message.byteLength < HEADER_BYTES) return null;
  const head = new DataView(message);
  const width = head.getUint32(0, true);
  const height = head.getUint32(4, true);
  const bytes = width * height * 4;
  if (bytes === 0 || message.byteLength < HEADER_BYTES + bytes) return null;
  return {
    width,
    height,
    draw: (context) => context.putImageData(new ImageData(new Uint8ClampedArray(message, HEADER_BYTES, bytes), width, height), 0, 0),
    number: head.getUint32(8, true),
    still: (head.getUint32(12, true) & STILL) !== 0,
    taken: performance.now() - head.getUint32(16, true),
  };
}

function bySocket(url: string, side: Side, give: (picture: Shown) => void): () => void {
  let socket: WebSocket | null = null;
  let reopen: ReturnType<typeof setTimeout> | undefined;
  let over = false;
  const open = () => {
    socket = new WebSocket(`${url}/${side}`);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      const picture = data instanceof ArrayBuffer ? pictureOf(data) : null;
      if (picture) give(picture);
    };
    socket.onclose = () => {
      if (!over) reopen = setTimeout(open, REOPEN_MS);
    };
  };
  open();
  return () => {
    over = true;
    clearTimeout(reopen);
    socket?.close();
  };
}
