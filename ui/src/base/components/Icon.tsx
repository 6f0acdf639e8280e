// Line icons on a 24 grid. They say nothing alone: words stand beside them.

const PATHS = {
  alert: "M12 3 2.5 20h19L12 3Zm0 6v5m0 3v.5",
  back: "M15 5l-7 7 7 7",
  bandage: "M8.5 3.5l12 12a3.5 3.5 0 0 1-5 5l-12-12a3.5 3.5 0 0 1 5-5Zm-.5 9 4.5-4.5m0 8 4-4m-5.5-.5h.1m2 2h.1",
  camera: "M4 7h3l2-3h6l2 3h3v13H4V7Zm8 3a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7Z",
  check: "M4.5 12.5l5 5 10-11",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm0 4v5l3.5 2",
  close: "M5 5l14 14M19 5 5 19",
  copy: "M6 3h9l4 4v14H6V3Zm8 0v5h5M9 12h7M9 16h7",
  erase: "M8 5h13v14H8l-6-7 6-7Zm4 4.5 5 5m0-5-5 5",
  eye: "M2 12c3-5 6.5-7 10-7s7 2 10 7c-3 5-6.5 7-10 7s-7-2-10-7Zm10-3a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z",
  help: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm-2.5 6.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .8-1 1.7m0 3.5v.1",
  home: "M4 11l8-7 8 7v9h-5v-6H9v6H4v-9Z",
  key: "M15 4a5 5 0 1 0-4.6 7L4 17.5V20h3v-2h2v-2h2l1.5-1.5A5 5 0 0 0 15 4Zm1 4h.1",
  lock: "M6 11h12v9H6v-9Zm2.5 0V8a3.5 3.5 0 0 1 7 0v3",
  mic: "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3Zm-6 8a6 6 0 0 0 12 0m-6 6v4m-3 0h6",
  next: "M9 5l7 7-7 7",
  nosignal: "M4 19v-3m5 3v-6m5 6v-9m5 9V6M3 3l18 18",
  pencil: "M4 20l1-4L16 5l3 3L8 19l-4 1Zm10-13 3 3",
  person: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM4 21c1-4.5 4-6 8-6s7 1.5 8 6",
  people: "M9 5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7ZM2.5 20c.5-4 3-5.5 6.5-5.5s6 1.5 6.5 5.5M16 5.5a3 3 0 0 1 0 6m2 3.5c2 .7 3.2 2.3 3.5 5",
  phone: "M5 3h4l2 5-2.5 2a12 12 0 0 0 5.5 5.5l2-2.5 5 2v4a2 2 0 0 1-2 2A16 16 0 0 1 3 5a2 2 0 0 1 2-2Z",
  pin: "M12 3a6.5 6.5 0 0 0-6.5 6.5C5.5 14.5 12 21 12 21s6.5-6.5 6.5-11.5A6.5 6.5 0 0 0 12 3Zm0 4a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5Z",
  plus: "M12 5v14M5 12h14",
  send: "M3 11.5 21 4l-5 17-4-7-9-2.5Zm9 2.5 4-5",
  settings: "M4 7h9m4 0h3M4 17h3m4 0h9M15 4.5v5M9 14.5v5",
  shield: "M12 3l8 3v6c0 4.5-3.5 7.5-8 9-4.5-1.5-8-4.5-8-9V6l8-3Z",
  stethoscope: "M5 3v6a4 4 0 0 0 8 0V3M9 13v3a5 5 0 0 0 10 0v-3m0-4a2 2 0 1 0 0 4 2 2 0 0 0 0-4Z",
  stop: "M6 6h12v12H6z",
  sync: "M20 11a8 8 0 0 0-14.5-4L4 9m0-5v5h5M4 13a8 8 0 0 0 14.5 4L20 15m0 5v-5h-5",
  video: "M3 6h12v12H3V6Zm12 4 6-3v10l-6-3",
  animal: "M7 12c-2 2-3 3.5-3 5a3 3 0 0 0 4.5 2.5c2-1 5-1 7 0A3 3 0 0 0 20 17c0-1.5-1-3-3-5-2.5-2.5-7.5-2.5-10 0ZM6 5v2m5-4v3m3-3v3m5-1v2",
  fall: "M13 4.5h.1M5 20h14M7 15l4-3 1-4 4 2 3-1m-8 3 3 2-1 4",
  lifting: "M5 12h14v8H5v-8Zm7-9v6m-3-3 3-3 3 3",
  vehicle: "M3 16V8h11v8M14 11h4l3 3v2H3m4 0a2 2 0 1 0 .1 0M17 16a2 2 0 1 0 .1 0",
  heat: "M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10Zm0-5v2m0 16v2M2 12h2m16 0h2M5 5l1.4 1.4M17.6 17.6 19 19M19 5l-1.4 1.4M6.4 17.6 5 19",
  cold: "M12 2v20M3.5 7l17 10m0-10-17 10M9 3l3 3 3-3M9 21l3-3 3 3",
  cut: "M6 4l12 13M18 4 6 17m-.5-.5a2.5 2.5 0 1 0 .1 0m12.9 0a2.5 2.5 0 1 0 .1 0",
  sting: "M12 9a4 4 0 0 0-4 4v3a4 4 0 0 0 8 0v-3a4 4 0 0 0-4-4Zm-2-5 2 2 2-2M8 13H3m5 4-4 2m12-6h5m-5 4 4 2M12 20v2",
  chemical: "M9 3h6M10 3v6l-6 10a1.5 1.5 0 0 0 1.3 2h13.4a1.5 1.5 0 0 0 1.3-2L14 9V3M7 15h10",
  assault: "M12 3l8 3v6c0 4.5-3.5 7.5-8 9-4.5-1.5-8-4.5-8-9V6l8-3Zm0 5v5m0 3v.1",
  other: "M6 12h.1M12 12h.1M18 12h.1",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon(props: { name: IconName; size?: string }) {
  const size = props.size ?? "1.4em";
  return (
    <svg viewBox="0 0 24 24" width={size} height={size} fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
      <path d={PATHS[props.name]} />
    </svg>
  );
}
