// @vitest-environment node
// What the sources may not do: hold text, reach Rust past ipc/, use left and right.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAst } from "vite";
import { describe, expect, it } from "vitest";

const src = fileURLToPath(new URL("../src", import.meta.url));
const files = readdirSync(src, { recursive: true, encoding: "utf8" });
const read = (file: string) => readFileSync(join(src, file), "utf8");
const isTest = (file: string) => /\.test\.tsx?$/.test(file);

/** Attributes that a person reads or hears. */
const SPOKEN = new Set(["aria-label", "alt", "title", "placeholder", "label", "words", "name", "hint", "sub"]);
const hasWord = (text: string) => /\p{L}{2,}/u.test(text);

type Node = { type: string; [key: string]: unknown };
const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && "type" in value;

function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) walk(child, visit);
  }
}

function textIn(file: string): string[] {
  const found: string[] = [];
  walk(parseAst(read(file), { lang: "tsx" }) as unknown as Node, (node) => {
    if (node.type === "JSXText" && hasWord(String(node["value"]))) found.push(String(node["value"]).trim());
    if (node.type !== "JSXAttribute" || !isNode(node["name"]) || !isNode(node["value"])) return;
    const { name, value } = node as { name: Node; value: Node } & Node;
    const fixed = value.type === "Literal" && typeof value["value"] === "string" ? value["value"] : "";
    // `name` groups native inputs; only where it is a sentence is it spoken.
    if (SPOKEN.has(String(name["name"])) && (name["name"] === "name" ? /\s/.test(fixed) : hasWord(fixed))) found.push(fixed);
  });
  return found;
}

describe("the sources", () => {
  it("hold no text: words come from the catalogues", () => {
    const found = files.filter((file) => file.endsWith(".tsx") && !isTest(file)).map((file) => ({ file, text: textIn(file) }));
    expect(found.filter(({ text }) => text.length > 0)).toEqual([]);
  });

  it("reach Rust only through ipc/", () => {
    const others = files.filter((file) => /\.tsx?$/.test(file) && !/^ipc[\\/]/.test(file));
    expect(others.filter((file) => /from "@tauri-apps/.test(read(file)))).toEqual([]);
  });

  it("keep heavy libraries out of the carrier's window", () => {
    const staff = /^(features[\\/](staff|manager)|staff)/;
    const carrier = files.filter((file) => /\.tsx?$/.test(file) && !staff.test(file));
    expect(carrier.filter((file) => /from "(react-aria|@observablehq|maplibre|livekit)/.test(read(file)))).toEqual([]);
  });

  it("use logical sides in styles", () => {
    const sided = /(?:margin|padding|border)-(?:left|right)|(?<![-\w])(?:left|right):|text-align:\s*(?:left|right)|float:/;
    expect(files.filter((file) => file.endsWith(".css") && sided.test(read(file)))).toEqual([]);
  });
});
