import { useStaffCodes } from "../codes";

// A shape for each level: a triangle, a diamond, a square, a circle. Readable without colour.
const SHAPES: Record<string, { path: string; tone: string; full: boolean }> = {
  stat: { path: "M8 1 15.5 15H.5Z", tone: "danger", full: true },
  asap: { path: "M8 .5 15.5 8 8 15.5.5 8Z", tone: "danger", full: false },
  urgent: { path: "M2 2h12v12H2Z", tone: "warn", full: false },
  routine: { path: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Z", tone: "ok", full: false },
};

/** Urgency as word and shape. */
export function Priority(props: { code: string }) {
  const code = useStaffCodes();
  const shape = SHAPES[props.code] ?? { path: "M2 2h12v12H2Z", tone: "plain", full: false };
  return (
    <span className={`priority priority--${shape.tone}${shape.full ? " priority--full" : ""}`}>
      <svg viewBox="0 0 16 16" width="0.8em" height="0.8em" aria-hidden="true" focusable="false">
        <path d={shape.path} fill={shape.full ? "currentColor" : "none"} stroke="currentColor" strokeWidth="2" />
      </svg>
      {code.priority(props.code)}
    </span>
  );
}
