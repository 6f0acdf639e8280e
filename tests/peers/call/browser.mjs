// Starts Chromium in a network namespace and speaks its protocol over pipes: nothing goes over the bad link.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** A page of its own Chromium. `on` gets what the page tells by a binding: (name, payload). */
export async function openPage({ namespace, flags, file, bindings, on }) {
  const profile = mkdtempSync(path.join(tmpdir(), "call-"));
  const chromium = process.env.CHROMIUM ?? "chromium";
  const args = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--no-proxy-server",
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--autoplay-policy=no-user-gesture-required",
    "--disable-features=WebRtcHideLocalIpsWithMdns", "--remote-debugging-pipe", `--user-data-dir=${profile}`,
    ...flags, "about:blank",
  ];
  const inside = namespace ? ["ip", ["netns", "exec", namespace, chromium, ...args]] : [chromium, args];
  const child = spawn(inside[0], inside[1], {
    stdio: ["ignore", "ignore", process.env.CALL_LOUD ? "inherit" : "ignore", "pipe", "pipe"],
  });
  const exited = new Promise((done) => child.once("exit", done));
  const send = connect(child.stdio[3], child.stdio[4], (message) => {
    if (message.method === "Runtime.bindingCalled") on(message.params.name, message.params.payload);
    if (message.method === "Runtime.exceptionThrown") {
      const { exceptionDetails: what } = message.params;
      on("failed", what.exception?.description ?? what.text);
    }
  });
  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  const ask = (method, params) => send(method, params, sessionId);
  await ask("Runtime.enable");
  await ask("Page.enable");
  for (const name of bindings) await ask("Runtime.addBinding", { name });
  await ask("Page.navigate", { url: `file://${file}` });
  const page = {
    pid: child.pid,
    exited,
    /** The value of an expression, waited for. */
    async run(expression) {
      const done = await ask("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
      if (done.exceptionDetails) throw new Error(done.exceptionDetails.exception?.description ?? done.exceptionDetails.text);
      return done.result.value;
    },
    async close() {
      send("Browser.close").catch(() => {});
      const slow = setTimeout(() => family(child.pid).forEach((pid) => kill(pid)), 3000);
      await exited;
      clearTimeout(slow);
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  while (!(await page.run("document.readyState === 'complete' && typeof begin === 'function'"))) {
    await new Promise((done) => setTimeout(done, 50));
  }
  return page;
}

function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It was quicker.
  }
}

function connect(out, into, notice) {
  const open = new Map();
  let number = 0;
  let rest = Buffer.alloc(0);
  const fail = (why) => {
    for (const { reject } of open.values()) reject(new Error(why));
    open.clear();
  };
  out.on("error", (why) => fail(String(why)));
  into.on("close", () => fail("chromium is gone"));
  const chunks = [];
  into.on("data", (chunk) => {
    if (!chunk.includes(0)) return void chunks.push(chunk);
    rest = Buffer.concat([...chunks.splice(0), chunk]);
    for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
      const message = JSON.parse(rest.subarray(0, end).toString());
      rest = rest.subarray(end + 1);
      const asked = open.get(message.id);
      open.delete(message.id);
      if (!asked) notice(message);
      else if (message.error) asked.reject(new Error(message.error.message));
      else asked.resolve(message.result);
    }
    if (rest.length > 0) chunks.push(rest);
  });
  return (method, params = {}, sessionId) =>
    new Promise((resolve, reject) => {
      number += 1;
      open.set(number, { resolve, reject });
      out.write(`${JSON.stringify({ id: number, method, params, sessionId })}\0`);
    });
}

/** A process and all that it started. */
export function family(root) {
  const children = new Map();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(fields(name)?.[1]);
    if (parent) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const all = [root];
  for (const pid of all) all.push(...(children.get(pid) ?? []));
  return all;
}

/** Processor seconds and memory (MB, shared pages by their share) of a process and all that it started. */
export function cost(root) {
  let [cpu, memory] = [0, 0];
  for (const pid of family(root)) {
    const stat = fields(pid);
    if (!stat) continue;
    cpu += (Number(stat[11]) + Number(stat[12])) / 100;
    try {
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
      memory += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) / 1024;
    } catch {
      // It just ended.
    }
  }
  return { cpu, memory };
}

/** What follows the name in /proc/PID/stat: state, parent, … */
function fields(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null;
  }
}
