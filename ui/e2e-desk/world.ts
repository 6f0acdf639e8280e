// A server with made-up data, and a carrier whose app has no window.

import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "@playwright/test";

const root = fileURLToPath(new URL("../..", import.meta.url));
const bin = (name: string) => path.join(process.env["CARGO_TARGET_DIR"] ?? path.join(root, "target"), "debug", name);
const PIN = "letters for the whole valley";

type Person = { username: string; password: string; fhir_id: string };
type Demo = { base_url: string; users: Record<string, Person> };

export const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === "object" && address ? address.port : 0;
}

export class World {
  private readonly children: ChildProcess[] = [];

  private constructor(
    private readonly folder: string,
    readonly demo: Demo,
  ) {}

  /** Starts the server with the page. */
  static async open(): Promise<World> {
    const folder = mkdtempSync(path.join(tmpdir(), "hms-desk-"));
    const data = path.join(folder, "server");
    const port = await freePort();
    const server = spawn(
      bin("ach-server"),
      ["serve", "--data", data, "--listen", `127.0.0.1:${port}`, "--demo", "--staff-page", path.join(root, "ui/dist-desk")],
      { stdio: ["ignore", "inherit", "inherit"] },
    );
    const file = path.join(data, "demo.json");
    let demo: Demo | null = null;
    for (let tries = 0; !demo && tries < 600; tries += 1) {
      if (server.exitCode !== null) throw new Error("the server ended");
      try {
        demo = JSON.parse(readFileSync(file, "utf8")) as Demo;
      } catch {
        await sleep(200);
      }
    }
    if (!demo) throw new Error("the server wrote no demo.json");
    const world = new World(folder, demo);
    world.children.push(server);
    return world;
  }

  person(role: string): Person {
    const person = this.demo.users[role];
    if (!person) throw new Error(`no ${role}`);
    return person;
  }

  /** Runs `ach` as the carrier; `line` sees each line. Ends with what it wrote. */
  async ach(task: string[], line: (text: string) => void = () => {}): Promise<string> {
    const args = ["--profile", path.join(this.folder, "carrier"), "--server-json", path.join(this.folder, "server/demo.json"), ...task];
    const env = { ...process.env, HMS_PIN: PIN, XDG_DATA_HOME: path.join(this.folder, "home"), HOME: this.folder };
    const child = spawn(bin("ach"), args, { stdio: ["ignore", "pipe", "inherit"], env });
    this.children.push(child);
    let said = "";
    child.stdout.on("data", (text: Buffer) => {
      said += text.toString();
      line(text.toString());
    });
    const code = await new Promise((done) => child.once("exit", done));
    if (code !== 0) throw new Error(`ach ${task.join(" ")} ended with ${String(code)}: ${said}`);
    return said;
  }

  /** Signs the carrier's app in, by a code in a browser. */
  async signInCarrier(browser: Browser): Promise<void> {
    const { username, password } = this.person("carrier");
    const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
    let said = "";
    const done = this.ach(["login", "--device-code"], (text) => (said += text));
    while (!/type the code \S+/.test(said)) await sleep(100);
    await page.goto(`${this.demo.base_url}/oauth/device`);
    await page.locator("input[name=user_code]").fill(/type the code (\S+)/.exec(said)?.[1] ?? "");
    await page.locator("input[name=username]").fill(username);
    await page.locator("input[name=password]").fill(password);
    await page.locator("button[type=submit]").click();
    await done;
    await page.context().close();
  }

  /** The newest line of figures of a call. */
  figures(name: string): { visit: Record<string, unknown>; call: Record<string, number> | null } | null {
    const file = path.join(this.folder, name);
    if (!existsSync(file)) return null;
    const lines = readFileSync(file, "utf8").trim().split("\n");
    const last = lines.at(-1);
    return last ? (JSON.parse(last) as ReturnType<World["figures"]>) : null;
  }

  /** The carrier's app is gone from one moment to the next: an empty battery. */
  kill(): void {
    this.children.at(-1)?.kill("SIGKILL");
  }

  path = (name: string) => path.join(this.folder, name);

  async close(): Promise<void> {
    for (const child of this.children) if (child.exitCode === null) child.kill("SIGTERM");
    await Promise.all(this.children.map((child) => child.exitCode ?? child.signalCode ?? new Promise((done) => child.once("exit", done))));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
