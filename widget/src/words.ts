// Which language the interface speaks, and filling its sentences.
import { en, type Strings } from "./strings/en";

/** `text` with {name} replaced by `values.name`. */
export const fill = (text: string, values: Record<string, string | number>): string => text.replace(/\{(\w+)\}/g, (all, name) => String(values[name] ?? all));

/** The strings for a language tag such as "es-MX"; English where there is none. A language other than English is a file of its own. */
export async function strings(tag: string): Promise<Strings> {
  if (!tag.toLowerCase().startsWith("es")) return en;
  try {
    return (await import("./strings/es")).es;
  } catch {
    return en; // the strings file did not arrive: better in English than not at all
  }
}
