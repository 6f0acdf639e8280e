// How many columns fit, in units of the text: large text moves to fewer columns as a narrow window does.
// Not a container query: Chromium does not ask its `rem` and `em` again when the text size changes.

import { useEffect, useState } from "react";
import { useTextSize } from "../../base/look";

const TWO = 48;
const THREE = 76;
/** Width of the list and the visit beside the chart, where there are three columns. */
const SIDES = 43.5;
const SPLIT = 44;

export type Columns = { columns: 1 | 2 | 3; split: boolean };

/** Columns for a window of `width`, both sides of the chart beside each other where it is wide enough. */
export function columnsOf(widthPx: number, textPx: number): Columns {
  const width = widthPx / textPx;
  if (width >= THREE) return { columns: 3, split: width - SIDES >= SPLIT };
  if (width >= TWO) return { columns: 2, split: (width * 2) / 3 >= SPLIT };
  return { columns: 1, split: width >= SPLIT };
}

/** The columns of this window, followed. */
export function useColumns(): Columns {
  useTextSize();
  const [width, setWidth] = useState(innerWidth);
  useEffect(() => {
    const resized = () => setWidth(innerWidth);
    addEventListener("resize", resized);
    return () => removeEventListener("resize", resized);
  }, []);
  return columnsOf(width, parseFloat(getComputedStyle(document.documentElement).fontSize) || 16);
}
