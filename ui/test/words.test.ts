import { describe, expect, it } from "vitest";
import { say } from "../src/base/i18n";
import { PAIRS, textsOf } from "./catalogues";

const namesIn = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

describe.each(PAIRS)("the $name catalogue", ({ en, es }) => {
  it("has the same keys in both languages", () => {
    expect(Object.keys(es).sort()).toEqual(Object.keys(en).sort());
  });

  it("asks for the same arguments in both languages", () => {
    const spanish = new Map(textsOf(es).map(({ key, text }) => [key, text]));
    for (const { key, text } of textsOf(en)) expect([key, namesIn(spanish.get(key) ?? "")]).toEqual([key, namesIn(text)]);
  });

  it("leaves nothing empty and nothing in English", () => {
    const english = new Map(textsOf(en).map(({ key, text }) => [key, text]));
    const same = textsOf(es).filter(({ key, text }) => english.get(key) === text && text.split(" ").length > 1 && /[a-z]{3}/.test(text.replace(/\{\w+\}/g, "")));
    expect(same).toEqual([]);
    for (const { key, text } of [...textsOf(en), ...textsOf(es)]) expect([key, text.trim()]).not.toEqual([key, ""]);
  });
});

describe("a message", () => {
  it("chooses the plural of its language", () => {
    const message = { one: "{count} wait", other: "{count} waits" };
    expect(say("en", message, { count: 1 })).toBe("1 wait");
    expect(say("en", message, { count: 1200 })).toBe("1,200 waits");
    expect(say("es", { one: "{count} espera", other: "{count} esperan" }, { count: 0 })).toBe("0 esperan");
  });

  it("does not double a full stop that an argument brings", () => {
    expect(say("es", "Lo leyó a las {time}.", { time: "11:20 a.m." })).toBe("Lo leyó a las 11:20 a.m.");
  });
});
