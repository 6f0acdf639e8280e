// How taps on the body map and on the list change the marked places.

import type { BodyPart, HurtPlace, Side } from "../../ipc/bindings";

/** Parts in the order of the list, head to foot. */
export const PARTS: readonly BodyPart[] = [
  "head", "face", "eye", "neck", "shoulder", "upper_arm", "elbow", "forearm", "wrist", "hand", "chest", "abdomen",
  "upper_back", "lower_back", "hip", "thigh", "knee", "lower_leg", "ankle", "foot", "whole_body",
];

const IN_THE_MIDDLE: ReadonlySet<BodyPart> = new Set([
  "head", "face", "neck", "chest", "abdomen", "upper_back", "lower_back", "whole_body",
]);

/** The part has a left and a right. */
export const hasSides = (part: BodyPart) => !IN_THE_MIDDLE.has(part);

/** The side is marked, alone or as one of both. */
export const isMarked = (places: HurtPlace[], part: BodyPart, side: Side) =>
  places.some((place) => place.part === part && (place.side === side || place.side === "both"));

/** Marks a place, or takes the mark away. Left and right together are "both". */
export function toggled(places: HurtPlace[], part: BodyPart, side: Side): HurtPlace[] {
  const others = places.filter((place) => place.part !== part);
  if (side === "middle") return isMarked(places, part, side) ? others : [...others, { part, side }];
  const left = isMarked(places, part, "left") !== (side === "left");
  const right = isMarked(places, part, "right") !== (side === "right");
  if (left && right) return [...others, { part, side: "both" }];
  if (left) return [...others, { part, side: "left" }];
  if (right) return [...others, { part, side: "right" }];
  return others;
}
