// Calls over bad links, measured: for cells, pairs and seeds a netlab and two peers; one JSON each, then a table.
// node run.mjs --bin FOLDER [--work FOLDER] [--cells clean,a,b,c,d,e,f,g] [--pairs ours,chromium,tuned,ours-chromium,ours-tuned]
//   [--seeds 11,12,13,14,15] [--seconds 45] [--table] [--keep] [--ear PYTHON]
// With --ear (a Python that `ear.py setup` made) scripted speech is sent, and what a recogniser makes of it is measured, too.
// Needs root on Linux, `ip` and Chromium. What was measured stays; only what is missing is run.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import readline from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { WAV_OFF_MOST_MS, figures } from "./figures.mjs";
import { slowness } from "./slow.mjs";
import { table } from "./table.mjs";

const text = (value) => ({ type: "string", ...(value === undefined ? {} : { default: value }) });
const { values: asked } = parseArgs({
  options: {
    bin: text(), work: text(), cells: text("clean,a,b,c,d,e,f,g"), pairs: text("ours,chromium,tuned,ours-chromium,ours-tuned"),
    seeds: text("11,12,13,14,15"), seconds: text(), ear: text(), table: { type: "boolean" }, keep: { type: "boolean" },
  },
});
const here = path.dirname(fileURLToPath(import.meta.url));
const work = path.resolve(asked.work ?? path.join(asked.bin, "../links"));
const program = (name) => [name, `examples/${name}`].map((file) => path.join(asked.bin, file)).find(existsSync) ?? name;
const SECONDS = { d: 65 };
/** The clean link, and the carrier's side is a slow machine. */
const SLOW = "g";
/** Who speaks with whom: the clinician offers, the carrier answers. */
const PAIRS = {
  ours: ["ours", "ours"],
  chromium: ["default", "default"],
  tuned: ["tuned", "tuned"],
  "ours-chromium": ["ours", "default"],
  "ours-tuned": ["ours", "tuned"],
};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const wanted = [];
for (const cell of asked.cells.split(",")) {
  for (const seed of asked.seeds.split(",").map(Number)) {
    for (const pair of asked.pairs.split(",")) {
      if (!PAIRS[pair]) throw new Error(`there is no pair ${pair}; there are: ${Object.keys(PAIRS).join(", ")}`);
      wanted.push({ cell, pair, seed, seconds: Number(asked.seconds ?? SECONDS[cell] ?? 45) });
    }
  }
}
mkdirSync(path.join(work, "runs"), { recursive: true });
const fileOf = ({ cell, pair, seed }) => path.join(work, "runs", `${cell}-${pair}-${seed}.json`);

let failed = 0;

if (!asked.table) {
  const media = makeMedia();
  for (const [n, run] of wanted.entries()) {
    if (existsSync(fileOf(run))) continue;
    process.stderr.write(`${n + 1}/${wanted.length} ${run.cell} ${run.pair} ${run.seed}: `);
    // A call that finds no path is a figure; a peer or a lab that fails is none, and the run is left to be run again.
    let made;
    try {
      made = await measure(run, media);
    } catch (why) {
      failed += 1;
      process.stderr.write(`not measured: ${why}\n`);
      continue;
    }
    // Whole or not at all: a run that is cut off is run again.
    writeFileSync(`${fileOf(run)}.part`, JSON.stringify(made));
    renameSync(`${fileOf(run)}.part`, fileOf(run));
    const brief = made.sides.map((side) => {
      if (!side.connected) return `no call (${side.error ?? "no path"})`;
      return `${side.connect_ms.toFixed(0)} ms, ${side.concealed_pct?.toFixed(1)} %, ${side.fps.toFixed(1)} fps, frozen ${side.frozen_s.toFixed(1)} s`;
    });
    process.stderr.write(`${brief.join(" | ")}\n`);
  }
}
const names = new Set(wanted.map((run) => path.basename(fileOf(run))));
const there = readdirSync(path.join(work, "runs")).filter((name) => names.has(name));
const runs = wanted.filter((run) => there.includes(path.basename(fileOf(run)))).map((run) => JSON.parse(readFileSync(fileOf(run))));
console.log(table(runs));
if (failed > 0) console.error(`${failed} runs could not be measured; run again for them.`);
process.exitCode = failed > 0 ? 1 : 0;

/** Voices and a camera's picture, the same for all peers. */
function makeMedia() {
  const folder = path.join(work, "media");
  mkdirSync(folder, { recursive: true });
  const make = (name, ...rest) => {
    const file = path.join(folder, name);
    if (existsSync(file)) return file;
    execFileSync(program("peer"), ["make", path.extname(name) === ".wav" ? "--wav" : "--y4m", `${file}.part`, ...rest]);
    renameSync(`${file}.part`, file);
    return file;
  };
  const y4m = make("large.y4m", "--picture", "large", "--seconds", "20");
  if (asked.ear) {
    const speech = path.join(work, "speech");
    if (!existsSync(path.join(speech, "clinician.json"))) execFileSync(asked.ear, [path.join(here, "ear.py"), "speech", speech]);
    return { y4m, speech, clinician: path.join(speech, "clinician.wav"), carrier: path.join(speech, "carrier.wav") };
  }
  return {
    y4m,
    clinician: make("clinician.wav", "--voice", "clinician", "--seconds", "120"),
    carrier: make("carrier.wav", "--voice", "carrier", "--seconds", "120"),
  };
}

/** A process that speaks lines of JSON. */
function start(command, args) {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => {});
  const one = { child, lines: [], heard: [] };
  one.gone = new Promise((done) => child.once("exit", done));
  one.say = (value) => child.stdin.write(`${JSON.stringify(value)}\n`);
  /** The first line with this in it. */
  one.await = (name, ms = 60000) =>
    new Promise((resolve, reject) => {
      const look = (line) => name in line && (clearTimeout(late), resolve(line));
      const late = setTimeout(() => reject(new Error(`${command}: no ${name} in ${ms} ms`)), ms);
      const found = one.lines.find((line) => name in line);
      if (found) look(found);
      else one.heard.push(look);
      one.gone.then((code) => reject(new Error(`${path.basename(command)} ended with ${code}, without ${name}`)));
    });
  readline.createInterface({ input: child.stdout }).on("line", (line) => {
    const value = JSON.parse(line);
    one.lines.push(value);
    if (value.event === "connected" || value.event === "Connected") one.connected ??= value.t;
    if (value.error) one.error ??= value.error;
    for (const look of one.heard) look(value);
  });
  return one;
}

function peer(kind, role, namespace, address, media, stem, seconds, slow) {
  const own = role === "offer" ? media.clinician : media.carrier;
  const common = ["--role", role, "--wav", own, "--record", `${stem}-heard.wav`, "--luma", `${stem}.luma`, "--seconds", String(seconds + 120)];
  const [command, ...args] =
    kind === "ours"
      ? ["ip", "netns", "exec", namespace, program("peer"), ...common, "--picture", "large", "--bind", address]
      : ["node", path.join(here, "call.mjs"), ...common, "--mode", kind, "--y4m", media.y4m, "--namespace", namespace, "--sent", `${stem}-sent.wav`];
  return slow ? start(...slow.slowed(command, args)) : start(command, args);
}

async function measure({ cell, pair, seed, seconds }, media) {
  const folder = path.join(work, "sound", `${cell}-${pair}-${seed}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const load = [os.loadavg()[0]];
  const lab = start(program("netlab"), ["--name", `links-${process.pid}`]);
  const { namespaces, addresses } = await lab.await("ready");
  const slow = cell === SLOW ? slowness(`links-${process.pid}`) : null;
  const made = (number, role) =>
    peer(PAIRS[pair][number], role, namespaces[number], addresses[number][0], media, path.join(folder, role), seconds, number === 1 ? slow : null);
  const begun = { seed, cell, pair, seconds, peers: PAIRS[pair], date: new Date().toISOString(), commit: commit() };
  const sides = [];
  try {
    // A browser takes seconds to start: the other side's clock must not run meanwhile.
    sides[1] = made(1, "answer");
    if (PAIRS[pair][1] !== "ours") await sides[1].await("ready");
    sides[0] = made(0, "offer");
    const { offer } = await sides[0].await("offer");
    if (PAIRS[pair][0] !== "ours") await sides[0].await("ready");
    lab.say({ do: "plan", name: cell === SLOW ? "clean" : cell, seed });
    const { began_ms: zero } = await lab.await("plan");
    sides[1].say({ offer });
    const { answer } = await sides[1].await("answer");
    sides[0].say({ answer });
    const signalled = Date.now();
    const before = processor();
    await sleep(seconds * 1000);
    const after = processor();
    lab.say({ do: "stats" });
    const net = await lab.await("ways");
    const ended = Date.now();
    for (const side of sides) side.say({ do: "quit" });
    for (const side of sides) side.end = (await side.await("end", 30000)).end;
    load.push(os.loadavg()[0]);
    const outage = cell === "d" ? { begin: zero + 20000, end: zero + 35000 } : null;
    const seen = sides.map((side, n) => {
      const role = ["offer", "answer"][n];
      const wav = path.join(folder, `${role}-heard.wav`);
      const found = figures(side, sides[1 - n], { signalled, ended, outage, wav });
      return { role, peer: PAIRS[pair][n], ...found, ...likeness(path.join(folder, `${role}.luma`)), began: side.end?.began, at: side.end?.connected, series: series(side) };
    });
    // A machine without idle time starves its peers: such a run says more about the machine than about the link.
    const idle_pct = (100 * (after.idle - before.idle)) / Math.max(1, after.all - before.all);
    const whole = { ...begun, load, idle_pct, net, signalled, sides: seen };
    if (asked.ear) listen(whole, folder, media.speech);
    return whole;
  } finally {
    await Promise.all(sides.filter(Boolean).map(ended));
    lab.say({ do: "quit" });
    await lab.gone;
    slow?.end();
    if (!asked.keep) rmSync(folder, { recursive: true, force: true });
  }
}

/** Ticks of all processors so far. */
function processor() {
  const ticks = readFileSync("/proc/stat", "utf8").split("\n")[0].split(/\s+/).slice(1, 9).map(Number);
  return { idle: ticks[3] + ticks[4], all: ticks.reduce((sum, one) => sum + one, 0) };
}

/** Lets a side end by itself for some seconds. */
async function ended(side) {
  const late = setTimeout(() => side.child.kill("SIGKILL"), 10000);
  side.child.stdin.end();
  await side.gone;
  clearTimeout(late);
}

function likeness(file) {
  if (!existsSync(file)) return {};
  try {
    const { ssim, ssim_full, pictures, unread } = JSON.parse(execFileSync(program("peer"), ["likeness", file, "--picture", "large"]));
    return { ssim, ssim_full, likeness_of: pictures, unread };
  } catch {
    return {};
  }
}

/** What was understood. Its own failure is told and costs no run. */
function listen(run, folder, speech) {
  const file = path.join(folder, "run.json");
  writeFileSync(file, JSON.stringify({ ...run, sides: run.sides.map((side) => ({ ...side, series: undefined })) }));
  try {
    const told = execFileSync(asked.ear, [path.join(here, "ear.py"), "listen", file, folder, speech], { encoding: "utf8" });
    for (const line of told.trim().split("\n").filter(Boolean)) {
      const heard = JSON.parse(line);
      const side = run.sides.find((one) => one.role === heard.role);
      const timed = Math.abs(side.wav_off_ms) <= WAV_OFF_MOST_MS;
      Object.assign(side, {
        wer: heard.wer, wer_sent: heard.wer_sent, danger_missed: heard.danger - heard.danger_heard, danger: heard.danger,
        danger_missed_sent: heard.danger - heard.danger_sent, pesq: heard.pesq, ear_p50_ms: timed ? heard.delay_ms_p50 : null,
        ear_p95_ms: timed ? heard.delay_ms_p95 : null, phrases: heard.each,
      });
    }
  } catch (why) {
    run.ear_error = String(why);
    process.stderr.write(`[no ear: ${why}] `);
  }
}

/** The figures over time, thinned to one a second. */
function series(side) {
  const all = side.lines.filter((line) => line.stats);
  return all.filter((_, n) => n % 4 === 0).map(({ t, stats }) => ({ t, ...stats, codecs: undefined }));
}

function commit() {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: here, encoding: "utf8" }).trim();
  } catch {
    return null;
  }
}
