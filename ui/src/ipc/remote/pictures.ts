// The pictures of this page's call: the browser's own streams, and single pictures that came beside them.

import type { Shown, Side } from "../pictures";

/** A moving picture is newer than a still for so long after its last frame. */
const MOVES_MS = 2_000;

/** Pictures of both sides, for whoever shows them. */
class Newest {
  private readonly watchers = { remote: new Set<(picture: Shown) => void>(), self: new Set<(picture: Shown) => void>() };
  private stopStreams: () => void = () => {};
  private number = 0;
  private moved = -Infinity;

  /** The streams of a call, or none any more. */
  streams(remote: MediaStream | null, own: MediaStream | null): void {
    this.stopStreams();
    const stops = [remote && this.play(remote, "remote"), own && this.play(own, "self")];
    this.stopStreams = () => stops.forEach((stop) => stop?.());
  }

  /** A single picture of the far side. While its picture moves it is of no use. */
  still(picture: ImageBitmap): void {
    if (performance.now() - this.moved < MOVES_MS) return;
    this.give("remote", { source: picture, width: picture.width, height: picture.height, still: true });
  }

  watch(side: Side, give: (picture: Shown) => void): () => void {
    this.watchers[side].add(give);
    return () => this.watchers[side].delete(give);
  }

  private play(stream: MediaStream, side: Side): () => void {
    const video = document.createElement("video");
    video.muted = true;
    video.playsInline = true;
    video.srcObject = stream;
    void video.play().catch(() => {});
    let handle = 0;
    const next = () => {
      if (side === "remote") this.moved = performance.now();
      this.give(side, { source: video, width: video.videoWidth, height: video.videoHeight, still: false });
      handle = video.requestVideoFrameCallback(next);
    };
    handle = video.requestVideoFrameCallback(next);
    return () => {
      video.cancelVideoFrameCallback(handle);
      video.srcObject = null;
    };
  }

  private give(side: Side, shown: { source: CanvasImageSource; width: number; height: number; still: boolean }): void {
    const { source, width, height, still } = shown;
    if (width === 0) return;
    this.number += 1;
    const picture = { width, height, draw: (context: CanvasRenderingContext2D) => context.drawImage(source, 0, 0), number: this.number, still, taken: performance.now() };
    for (const give of this.watchers[side]) give(picture);
  }
}

export const newest = new Newest();
