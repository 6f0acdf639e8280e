// Words. Keys and arguments are checked by the compiler; plurals, numbers and dates are Intl's.
//
// A message is text with `{names}`, or one text for each plural form that `count` chooses.
// English says which keys and arguments exist; `Same<typeof en>` holds Spanish to them.

import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from "react";

export type Plural = { readonly one: string; readonly other: string };
export type Catalogue = Readonly<Record<string, string | Plural>>;
export type Language = "en" | "es";

/** Languages by their own names: who needs one must be able to read it. */
export const LANGUAGES = [
  { code: "en", name: "English" },
  { code: "es", name: "Español" },
] as const;

/** The shape that a translation of `C` must have. */
export type Same<C extends Catalogue> = { readonly [K in keyof C]: C[K] extends string ? string : Plural };

type Names<S> = S extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
type Arguments<M> = M extends string ? Names<M> : M extends Plural ? Names<M["one"] | M["other"]> | "count" : never;

/** Says a message of the catalogue `C`. */
export type Translate<C extends Catalogue> = <K extends keyof C & string>(
  key: K,
  ...values: [Arguments<C[K]>] extends [never] ? [] : [Record<Arguments<C[K]>, string | number>]
) => string;

/** Catalogues of a page, loaded when the language is chosen. */
export type Catalogues = Record<Language, () => Promise<Catalogue>>;

type Words = { language: Language; messages: Catalogue };
const WordsContext = createContext<Words | null>(null);

/** `en` or `es`; anything else reads English. */
export const languageOf = (tag: string): Language => (tag === "es" ? "es" : "en");

/** The locale for dates and numbers. */
export const localeOf = (language: Language) => (language === "es" ? "es-US" : "en-US");

/** Loads and gives the words. The old language stays while the new one loads. */
export function I18nProvider(props: { language: string; catalogues: Catalogues; children: ReactNode }) {
  const language = languageOf(props.language);
  const [words, setWords] = useState<Words | null>(null);
  const { catalogues } = props;

  useEffect(() => {
    let stale = false;
    void catalogues[language]().then((messages) => {
      if (!stale) setWords({ language, messages });
    });
    return () => {
      stale = true;
    };
  }, [language, catalogues]);

  return words && <WordsContext value={words}>{props.children}</WordsContext>;
}

function useWords(): Words {
  const words = useContext(WordsContext);
  if (!words) throw new Error("no words here: I18nProvider is missing");
  return words;
}

/** The language of the screen. */
export const useLanguage = (): Language => useWords().language;

/** Says messages of the catalogue `C`. Each feature has its own typed name for this. */
export function useTranslate<C extends Catalogue>(): Translate<C> {
  const { language, messages } = useWords();
  return useMemo(
    () => (key: string, values?: Record<string, string | number>) => say(language, messages[key] ?? key, values ?? {}),
    [language, messages],
  );
}

/** Says messages of a catalogue that comes with its screens and not with the page. */
export function useCatalogue<C extends Catalogue>(both: { en: C; es: Same<C> }): Translate<C> {
  const language = useLanguage();
  return useMemo(() => {
    const words: Catalogue = both[language];
    return (key: string, values?: Record<string, string | number>) => say(language, words[key] ?? key, values ?? {});
  }, [both, language]);
}

/** A message with its arguments filled in. */
export function say(language: Language, message: string | Plural, values: Record<string, string | number>): string {
  const locale = localeOf(language);
  const text =
    typeof message === "string"
      ? message
      : message[new Intl.PluralRules(locale).select(Number(values["count"])) === "one" ? "one" : "other"];
  const filled = text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    return typeof value === "number" ? new Intl.NumberFormat(locale).format(value) : (value ?? "");
  });
  // "11:20 a.m." at the end of a sentence brings a full stop of its own.
  return filled.replace(/\.\.(?=\s|$)/g, ".");
}
