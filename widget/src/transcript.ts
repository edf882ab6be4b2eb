// The conversation as a text file that the visitor can keep.
import type { Item } from "./conversation";
import type { Strings } from "./strings/en";
import type { Clinic, Turn } from "./types";
import { alarm, fill } from "./words";

const plain = (markdown: string) =>
  markdown.replace(/\*\*(.+?)\*\*/g, "$1").replace(/\[([^\]]+)\]\(([^)\s]+)\)/g, "$1 ($2)");

function said(turn: Turn, words: Strings, date: (iso: string) => string): string {
  const labels: Partial<Record<string, string>> = { caveat: words.caveat, caution: words.caution };
  const lines = turn.messages.map((message) => {
    const label = message.role === "triage" ? words[alarm(message, turn)] : labels[message.role];
    return (label ? `${label}: ` : "") + plain(message.text);
  });
  if (turn.sources.length) {
    lines.push(fill(words.sources, { count: turn.sources.length }) + ":");
    for (const { title, publisher, year, url } of turn.sources)
      lines.push(`- ${[title, publisher, year, url].filter(Boolean).join(", ")}`);
  }
  if (turn.reviewed_on) lines.push(fill(words.reviewed, { date: date(turn.reviewed_on) }));
  return lines.join("\n");
}

/** The whole conversation, oldest first. */
export function transcript(
  items: Item[],
  clinic: Clinic,
  words: Strings,
  date: (iso: string) => string,
): string {
  const parts = [
    fill(words.transcriptTitle, { name: clinic.assistant_name, clinic: clinic.name }),
    new Date().toLocaleString(),
  ];
  for (const item of items) {
    if (item.from === "visitor") parts.push(`${words.me}: ${item.text}`);
    else if (item.from === "assistant")
      parts.push(`${clinic.assistant_name}: ${said(item.turn, words, date)}`);
    else parts.push(`(${words[item.note]})`);
  }
  parts.push(fill(words.transcriptEnd, { number: clinic.emergency_number }));
  return parts.join("\n\n") + "\n";
}

/** Hand a text file to the browser's downloads. */
export function save(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
