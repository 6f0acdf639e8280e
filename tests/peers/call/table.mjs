// Medians over seeds, as a table.

const COLUMNS = [
  ["connect ms", "connect_ms", 0], ["first ms", "first_frame_ms", 0], ["conceal %", "concealed_pct", 2], ["missing %", "missing_pct", 2],
  ["buf p50", "buffer_p50_ms", 0], ["buf p95", "buffer_p95_ms", 0], ["fps", "fps", 1], ["frozen s", "frozen_s", 1],
  ["gap s", "longest_gap_s", 1], ["stills", "stills", 0], ["ssim", "ssim", 3], ["full", "ssim_full", 3],
  ["kbit/s", "kbit_per_s", 0], ["transit95", "transit_p95_ms", 0], ["cpu %", "cpu_pct", 0], ["MB", "peak_mb", 0],
  ["sound back", "sound_back_ms", 0], ["pict back", "picture_back_ms", 0], ["fps after", "fps_after", 1], ["wer", "wer", 2], ["sent", "wer_sent", 2], ["danger missed", "danger_missed", 0],
  ["pesq", "pesq", 2], ["ear p50", "ear_p50_ms", 0], ["ear p95", "ear_p95_ms", 0], ["wav off", "wav_off_ms", 0], ["idle %", "idle_pct", 0],
];

/** The middle of what is there; the upper one of two. */
export function median(values) {
  const sorted = values.filter((value) => typeof value === "number" && Number.isFinite(value)).sort((a, b) => a - b);
  return sorted.length > 0 ? sorted[sorted.length >> 1] : null;
}

/** One line for each cell, pair and side: what that side hears and sees of the other. */
export function table(runs) {
  const groups = new Map();
  for (const run of runs) {
    for (const [number, side] of run.sides.entries()) {
      const name = `${run.cell}|${run.pair}|${side.role}: ${side.peer}`;
      const seconds = side.seconds ?? run.seconds;
      // Towards this side: the way that begins at the other one.
      const way = run.net?.ways?.[1 - number];
      groups.set(name, [
        ...(groups.get(name) ?? []),
        {
          ...side,
          idle_pct: run.idle_pct,
          kbit_per_s: way ? (way.bytes * 8) / 1000 / run.net.time_s : null,
          transit_p95_ms: way?.transit_ms?.p95 ?? null,
          cpu_pct: side.cpu_s === null || side.cpu_s === undefined ? null : (100 * side.cpu_s) / seconds,
        },
      ]);
    }
  }
  const all = [...groups.values()].flat();
  const columns = COLUMNS.filter(([, field]) => all.some((side) => typeof side[field] === "number"));
  const lines = [["cell", "pair", "side", "runs", "no call", ...columns.map(([head]) => head)]];
  for (const [name, sides] of groups) {
    const cells = columns.map(([, field, digits]) => median(sides.map((side) => side[field]))?.toFixed(digits) ?? "-");
    lines.push([...name.split("|"), String(sides.length), String(sides.filter((side) => !side.connected).length), ...cells]);
  }
  const widths = lines[0].map((_, n) => Math.max(...lines.map((line) => line[n].length)));
  return lines.map((line) => line.map((cell, n) => cell.padEnd(widths[n])).join("  ").trimEnd()).join("\n");
}
