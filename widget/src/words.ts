// Which language the interface speaks, and filling its sentences.
import { en, type Strings } from "./strings/en";
import type { Message, Turn } from "./types";

/** `text` with {name} replaced by `values.name`. */
export const fill = (text: string, values: Record<string, string | number>): string =>
  text.replace(/\{(\w+)\}/g, (all, name) => String(values[name] ?? all));

export type Level = "emergency" | "today" | "soon";

/**
 * How a triage message looks and is titled: its own level, or its turn's where a server says none;
 * these are names of words and of styles.
 */
export function alarm({ level }: Message, { urgency }: Turn): Level {
  level ??= urgency;
  return level === "emergency" ? "emergency" : level === "contact_clinic" ? "soon" : "today";
}

/**
 * The strings for a language tag such as "es-MX", a file of its own beside the panel; English where
 * there is none.
 */
export async function strings(tag: string): Promise<{ lang: string; words: Strings }> {
  const lang = tag.toLowerCase().split("-")[0];
  const address = LANGUAGES[lang];
  try {
    if (address) return { lang, words: (await import(address)).default };
  } catch (error) {
    console.error(error); // the strings did not arrive: better in English than not at all
  }
  return { lang: "en", words: en };
}
