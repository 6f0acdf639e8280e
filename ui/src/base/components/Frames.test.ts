import { beforeAll, describe, expect, it } from "vitest";
import { pictureOf } from "../../ipc/pictures";
import { ageOf } from "./Frames";

beforeAll(() => {
  // The test's DOM has no canvas: only what the function reads is stood in for.
  globalThis.ImageData ??= class {
    constructor(readonly data: Uint8ClampedArray, readonly width: number, readonly height: number) {}
  } as never;
});

function message(width: number, height: number, number: number, pixels: number, flags = 1): ArrayBuffer {
  const buffer = new ArrayBuffer(20 + pixels);
  const head = new DataView(buffer);
  [width, height, number, flags, 4200].forEach((value, index) => head.setUint32(index * 4, value, true));
  return buffer;
}

describe("a picture of a call", () => {
  it("is read from its header", () => {
    const picture = pictureOf(message(2, 3, 77, 24));
    expect([picture?.width, picture?.height, picture?.number]).toEqual([2, 3, 77]);
    expect(picture?.still).toBe(false);
    expect(Math.round((performance.now() - (picture?.taken ?? 0)) / 100)).toBe(42);
    expect(pictureOf(message(2, 3, 77, 24, 3))?.still).toBe(true);
  });

  it("is said to be a still, or to have stopped, and is live only while it moves", () => {
    expect(ageOf(false, 1900)).toBeNull();
    expect(ageOf(false, 2100)).toEqual({ still: false, seconds: 2 });
    expect(ageOf(true, 300)).toEqual({ still: true, seconds: 0 });
    expect(ageOf(true, 12_900)).toEqual({ still: true, seconds: 12 });
  });

  it("that is shorter than its header says is not painted", () => {
    expect(pictureOf(message(2, 3, 1, 23))).toBeNull();
    expect(pictureOf(new ArrayBuffer(8))).toBeNull();
    expect(pictureOf(message(0, 0, 1, 0))).toBeNull();
  });
});
