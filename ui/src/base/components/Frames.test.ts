import { beforeAll, describe, expect, it } from "vitest";
import { pictureOf } from "./Frames";

beforeAll(() => {
  // The test's DOM has no canvas: only what the function reads is stood in for.
  globalThis.ImageData ??= class {
    constructor(readonly data: Uint8ClampedArray, readonly width: number, readonly height: number) {}
  } as never;
});

function message(width: number, height: number, number: number, pixels: number): ArrayBuffer {
  const buffer = new ArrayBuffer(16 + pixels);
  const head = new DataView(buffer);
  [width, height, number, 0].forEach((value, index) => head.setUint32(index * 4, value, true));
  return buffer;
}

describe("a picture of a call", () => {
  it("is read from its header", () => {
    const picture = pictureOf(message(2, 3, 77, 24));
    expect([picture?.pixels.width, picture?.pixels.height, picture?.number]).toEqual([2, 3, 77]);
  });

  it("that is shorter than its header says is not painted", () => {
    expect(pictureOf(message(2, 3, 1, 23))).toBeNull();
    expect(pictureOf(new ArrayBuffer(8))).toBeNull();
    expect(pictureOf(message(0, 0, 1, 0))).toBeNull();
  });
});
