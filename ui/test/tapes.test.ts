// The tapes are what real commands answered, in the shape that the window's types have today, and hold no secret.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import type { Tape } from "../src/ipc/fake";

const FOLDER = resolve(import.meta.dirname, "../src/ipc/recorded");
const BINDINGS = resolve(import.meta.dirname, "../src/ipc/bindings");
const RECORDER = resolve(import.meta.dirname, "../../crates/client/examples/record-tapes/commands.rs");

/** Tapes written by hand. The list only ever gets shorter. */
const BY_HAND: string[] = [];

const names = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));
const textOf = (name: string) => readFileSync(join(FOLDER, name), "utf8");
const tapes = names.map((name) => ({ name, tape: JSON.parse(textOf(name)) as Tape }));

/** Every command of the bindings: how Rust names it, how the window names it, and its arguments in order. */
const commands = [...readFileSync(`${BINDINGS}.ts`, "utf8").matchAll(/^\t(\w+): \(.*\) => .*__TAURI_INVOKE\("(\w+)"(?:, \{ ([^}]*) \})?\)/gm)].map(
  ([, window, rust, args]) => ({ window: window ?? "", rust: rust ?? "", args: (args ?? "").split(", ").filter(Boolean) }),
);

describe("the tapes", () => {
  it("were recorded from real commands, by the named program at a named commit", () => {
    expect(names.length).toBeGreaterThan(25);
    expect(tapes.filter(({ tape }) => !tape.recorded).map(({ name }) => name)).toEqual(BY_HAND);
    for (const { name, tape } of tapes.filter(({ tape }) => tape.recorded)) {
      expect(tape.with, name).toBe("cargo run -p hms-client --example record-tapes");
      expect(tape.commit, name).toMatch(/^[0-9a-f]{7,}$/);
      expect(tape.at, name).toBeGreaterThan(Date.UTC(2026, 0));
    }
  });

  it("hold no token, no key and no secret of a sign-in", () => {
    for (const name of names) {
      // Bytes of a made-up picture, the public fingerprint of the rules, and ids are long and no secret.
      const text = textOf(name).replace(/"(base64|pack)": "[^"]*"|0{8}-0000-4000-8000-\d{12}/g, "");
      for (const secret of [/eyJ[\w-]{10,}|hms_[a-z]{2}_|[\w-]{43,}/, /\b(state|nonce|code_challenge)=(?!recorded)/, /\/(home|root|tmp|work)\//]) {
        expect(text.match(secret)?.[0], name).toBeUndefined();
      }
    }
  });

  it("fit the types of the window, answers and arguments", () => {
    const folder = mkdtempSync(join(tmpdir(), "tapes-"));
    try {
      const file = join(folder, "tapes.ts");
      writeFileSync(file, typed());
      const options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "esnext", "--moduleResolution", "bundler", "--target", "es2022", "--lib", "es2022,dom", "--types", "", "--ignoreConfig"];
      const tsc = resolve(import.meta.dirname, "../../node_modules/.bin/tsc");
      let said = "";
      try {
        execFileSync(tsc, [...options, file], { encoding: "utf8", stdio: "pipe" });
      } catch (error) {
        said = String((error as { stdout?: string }).stdout);
      }
      expect(said).toBe("");
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 60_000);
});

describe("the recorder", () => {
  it("gives every command of the window, with the same arguments", () => {
    const table = [...readFileSync(RECORDER, "utf8").matchAll(/^ {4}(\w+)\(((?:"\w+"(?:, )?)*)\);$/gm)];
    const recorder = table.map(([, name, args]) => `${name}(${(args ?? "").replaceAll('"', "")})`);
    expect(recorder.sort()).toEqual(commands.map(({ rust, args }) => `${rust}(${args.join(", ")})`).sort());
  });
});

/** All tapes as one program: each answer is given to a function that takes only what its command answers. */
function typed(): string {
  const lines = [
    `import type { commands, events, CommandError } from ${JSON.stringify(BINDINGS)};`,
    `type Commands = typeof commands;`,
    `type Data<K extends keyof Commands> = Extract<Awaited<ReturnType<Commands[K]>>, { status: "ok" }>["data"];`,
    `declare function answer<K extends keyof Commands>(data: Data<K>): void;`,
    `declare function asked<K extends keyof Commands>(...args: Parameters<Commands[K]>): void;`,
    `declare function failed(error: CommandError): void;`,
    `declare function happened(event: keyof typeof events): void;`,
  ];
  for (const { name, tape } of tapes) {
    lines.push(`// ${name}`);
    for (const call of tape.calls) {
      if (!("command" in call)) {
        lines.push(`happened(${JSON.stringify(call.event)});`);
        continue;
      }
      const command = commands.find(({ rust }) => rust === call.command);
      if (!command) throw new Error(`${name}: ${call.command} is not a command`);
      const args = call.args;
      if (args) lines.push(`asked<"${command.window}">(${command.args.map((arg) => JSON.stringify(args[arg])).join(", ")});`);
      lines.push(call.error === undefined ? `answer<"${command.window}">(${JSON.stringify(call.data)});` : `failed(${JSON.stringify(call.error)});`);
    }
  }
  return lines.join("\n");
}
