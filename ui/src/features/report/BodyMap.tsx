// A body to tap on, seen from the front or the back. Every part is at least 56 px on a phone of 390 px; what
// is smaller than a gloved thumb is in the list twin.

import type { KeyboardEvent } from "react";
import { useCodes } from "../../base/i18n/codes";
import type { BodyPart, HurtPlace, Side } from "../../ipc/bindings";
import { useWords } from "../words";
import { isMarked } from "./places";

type Area = { part: BodyPart; side: Side; x: number; y: number; width: number; height: number; round: number };

const WIDTH = 360;
const HEIGHT = 602;

/** Areas of one half, drawn for the side on the left of the picture; the other half mirrors them. */
const HALF: Omit<Area, "side">[] = [
  { part: "shoulder", x: 60, y: 92, width: 62, height: 60, round: 26 },
  { part: "upper_arm", x: 44, y: 160, width: 60, height: 64, round: 20 },
  { part: "forearm", x: 32, y: 232, width: 60, height: 66, round: 20 },
  { part: "hand", x: 16, y: 306, width: 66, height: 64, round: 28 },
  { part: "hip", x: 112, y: 248, width: 64, height: 60, round: 22 },
  { part: "thigh", x: 112, y: 316, width: 64, height: 72, round: 20 },
  { part: "knee", x: 114, y: 396, width: 60, height: 60, round: 26 },
  { part: "lower_leg", x: 116, y: 464, width: 58, height: 68, round: 18 },
  { part: "foot", x: 98, y: 540, width: 78, height: 60, round: 26 },
];

/** What joins the parts to one body. */
const SHAPE =
  "M180 50V130M92 122H268M91 122 74 192 62 265 49 338M269 122 286 192 298 265 311 338M180 130V278" +
  "M144 278V570M216 278V570M144 570H132M216 570H228M144 278H216";

const MIDDLE: Record<"front" | "back", Omit<Area, "side">[]> = {
  front: [
    { part: "head", x: 142, y: 2, width: 76, height: 82, round: 38 },
    { part: "chest", x: 130, y: 92, width: 100, height: 76, round: 22 },
    { part: "abdomen", x: 134, y: 176, width: 92, height: 64, round: 22 },
  ],
  back: [
    { part: "head", x: 142, y: 2, width: 76, height: 82, round: 38 },
    { part: "upper_back", x: 130, y: 92, width: 100, height: 76, round: 22 },
    { part: "lower_back", x: 134, y: 176, width: 92, height: 64, round: 22 },
  ],
};

function areasOf(view: "front" | "back"): Area[] {
  // From the front, the right hand of the person is on the left of the picture.
  const [left, right]: [Side, Side] = view === "front" ? ["right", "left"] : ["left", "right"];
  return [
    ...MIDDLE[view].map((area) => ({ ...area, side: "middle" as const })),
    ...HALF.flatMap((area) => [
      { ...area, side: left },
      { ...area, side: right, x: WIDTH - area.x - area.width },
    ]),
  ];
}

/** The picture. `onTap` gets what was tapped. */
export function BodyMap(props: {
  view: "front" | "back";
  places: HurtPlace[];
  onTap: (part: BodyPart, side: Side) => void;
}) {
  const t = useWords();
  const code = useCodes();
  const front = props.view === "front";
  return (
    <div className="body-map">
      <div className="body-map__sides" aria-hidden="true">
        <span>{t(front ? "report.yourRight" : "report.yourLeft")}</span>
        <span>{t(front ? "report.yourLeft" : "report.yourRight")}</span>
      </div>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="group" aria-label={t("report.bodyMap")} data-testid="body-map">
        <path className="body-map__shape" d={SHAPE} aria-hidden="true" />
        {areasOf(props.view).map((area) => {
          const { part, side } = area;
          const marked = isMarked(props.places, part, side);
          const tap = () => props.onTap(part, side);
          return (
            <g key={`${part}-${side}`}>
              <rect
                className="body-map__part"
                data-testid={`map-${part}-${side}`}
                role="checkbox"
                tabIndex={0}
                aria-checked={marked}
                aria-label={code.place({ part, side })}
                x={area.x}
                y={area.y}
                width={area.width}
                height={area.height}
                rx={area.round}
                onClick={tap}
                onKeyDown={(event: KeyboardEvent) => {
                  if (event.key !== " " && event.key !== "Enter") return;
                  event.preventDefault();
                  tap();
                }}
              />
              {marked && <Tick x={area.x + area.width / 2} y={area.y + area.height / 2} />}
            </g>
          );
        })}
      </svg>
    </div>
  );
}

function Tick(props: { x: number; y: number }) {
  return <path className="body-map__tick" d={`M${props.x - 12} ${props.y}l8 9 16-18`} aria-hidden="true" />;
}
