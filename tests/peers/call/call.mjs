// One side of a call in Chromium as a process; speaks the same lines as hms-media's example `peer`.
// node call.mjs --role offer|answer --mode default|tuned --wav FILE --y4m FILE [--namespace NAME] [--seconds N]
//   [--record HEARD.wav] [--sent SENT.wav] [--luma SEEN] [--size WIDTHxHEIGHT@FPS]
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import path from "node:path";
import readline from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cost, openPage } from "./browser.mjs";

const text = { type: "string" };
const { values: asked } = parseArgs({
  options: {
    role: text, mode: { ...text, default: "default" }, wav: text, y4m: text, namespace: text, record: text, sent: text,
    luma: text, seconds: { ...text, default: "600" }, size: { ...text, default: "640x480@30" },
  },
});
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const input = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const luma = asked.luma ? openSync(asked.luma, "w") : null;
let stop = () => {};
const stopped = new Promise((done) => (stop = done));

const page = await openPage({
  namespace: asked.namespace,
  flags: [
    "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
    `--use-file-for-fake-audio-capture=${asked.wav}`, `--use-file-for-fake-video-capture=${asked.y4m}`,
  ],
  file: path.join(path.dirname(fileURLToPath(import.meta.url)), "page.html"),
  bindings: ["emit", "keep"],
  on: (name, payload) => {
    if (name === "keep") writeSync(luma, Buffer.from(payload, "base64"));
    else if (name === "failed") say({ error: payload });
    else {
      process.stdout.write(`${payload}\n`);
      if (payload.includes('"event":"connected"')) setTimeout(stop, 1000 * Number(asked.seconds)).unref();
    }
  },
});
page.exited.then(() => stop());
const before = cost(page.pid).cpu;
let most = 0;
const look = setInterval(() => (most = Math.max(most, cost(page.pid).memory)), 2000);
const [, width, height, frameRate] = /^(\d+)x(\d+)@(\d+)$/.exec(asked.size).map(Number);
await page.run(`call.keeps = ${luma !== null}`);
await page.run(`begin("${asked.role}", "${asked.mode}", ${JSON.stringify({ width, height, frameRate })})`);
say({ ready: true });

const obey = (async () => {
  for await (const line of input) {
    const order = JSON.parse(line);
    if (order.do === "quit") break;
    await page.run(`take(${line})`);
  }
  stop();
})();
obey.catch((why) => {
  say({ error: String(why) });
  stop();
});
await stopped;
clearInterval(look);
const { cpu, memory } = cost(page.pid);
const end = JSON.parse(await page.run("end()"));
for (const [name, file] of [["heard", asked.record], ["sent", asked.sent]]) {
  if (file) writeFileSync(file, await wave(name));
}
say({ end: { ...end, t: Date.now(), cpu_s: cpu - before, peak_mb: Math.max(most, memory) } });
await page.close();
if (luma !== null) closeSync(luma);
process.exit(0);

/** A WAV file with what was recorded, from the connection on. */
async function wave(name) {
  const PIECE = 3 << 18;
  const pieces = [];
  const length = await page.run(`call.wave.${name}.length`);
  for (let at = 0; at < length; at += PIECE) {
    pieces.push(Buffer.from(await page.run(`piece("${name}", ${at}, ${PIECE})`), "base64"));
  }
  // Time zero of the file is the connection.
  let data = Buffer.concat(pieces);
  const skip = Math.round(((end.connected ?? end.sound_from) - end.sound_from) * 48) * 2;
  data = skip >= 0 ? data.subarray(skip) : Buffer.concat([Buffer.alloc(-skip), data]);
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + data.length, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(48000, 24);
  head.writeUInt32LE(96000, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
}
