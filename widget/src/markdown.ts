// A message's markdown as DOM nodes. HTML in it is shown as text, links lead to https, mailto and
// tel alone, pictures are left out.
import DOMPurify from "dompurify";
import { Lexer, Parser, Renderer, type MarkedOptions, type Tokens } from "marked";
import type { Dial } from "./types";

const TAGS = [
  "p",
  "strong",
  "em",
  "del",
  "ul",
  "ol",
  "li",
  "a",
  "br",
  "code",
  "pre",
  "blockquote",
  "h4",
  "hr",
  "table",
  "thead",
  "tbody",
  "tr",
  "th",
  "td",
];
const SAFE = /^(?:https:\/\/|mailto:|tel:\+?[\d-]+$)/i;
const escape = (text: string) =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

class Plain extends Renderer {
  html = ({ text }: { text: string }) => escape(text);
  image = this.html;
  heading({ tokens }: Tokens.Heading) {
    return `<h4>${this.parser.parseInline(tokens)}</h4>`;
  }
  link({ href, tokens }: Tokens.Link) {
    const text = this.parser.parseInline(tokens);
    return SAFE.test(href) ? `<a href="${escape(href)}">${text}</a>` : text;
  }
}

const OPTIONS: MarkedOptions = { gfm: true, breaks: true, renderer: new Plain() };

/** The safe nodes of `text`, written in `lang`, with the clinic's telephone numbers as links. */
export function rich(text: string, numbers: Dial[], lang: string): HTMLElement {
  const holder = document.createElement("div");
  holder.className = "text";
  holder.dir = "auto";
  if (lang) holder.lang = lang;
  const html = Parser.parse(Lexer.lex(text, OPTIONS), OPTIONS);
  holder.append(
    DOMPurify.sanitize(html, {
      RETURN_DOM_FRAGMENT: true,
      ALLOWED_TAGS: TAGS,
      ALLOWED_ATTR: ["href"],
      ALLOWED_URI_REGEXP: SAFE,
    }),
  );
  for (const block of holder.children) (block as HTMLElement).dir = "auto";
  dialable(holder, numbers);
  for (const link of holder.querySelectorAll("a")) {
    if (!link.href.startsWith("https:")) continue;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
  }
  return holder;
}

/** The numbers that `text` names, in its order. */
export function numbersIn(text: string, numbers: Dial[]): Dial[] {
  const found = new Map<string, Dial>();
  for (const [match] of text.matchAll(pattern(numbers)))
    found.set(
      match,
      numbers.find((one) => one.text === match)!,
    );
  return [...found.values()];
}

function pattern(numbers: Dial[]): RegExp {
  const texts = numbers
    .map((one) => one.text.replace(/[^\w\s]/g, "\\$&"))
    .sort((a, b) => b.length - a.length);
  return new RegExp(
    texts.length ? `(?<![\\d+£$€.,])(?:${texts.join("|")})(?!\\d| \\d)` : "(?!)",
    "g",
  );
}

function dialable(holder: HTMLElement, numbers: Dial[]): void {
  const walker = document.createTreeWalker(holder, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walker.nextNode())
    if (!walker.currentNode.parentElement?.closest("a")) texts.push(walker.currentNode as Text);
  for (const text of texts) {
    let rest = text;
    for (const match of text.data.matchAll(pattern(numbers))) {
      const number = rest.splitText(rest.data.indexOf(match[0]));
      rest = number.splitText(match[0].length);
      const link = document.createElement("a");
      link.href = `tel:${numbers.find((one) => one.text === match[0])!.tel}`;
      number.replaceWith(link);
      link.append(number);
    }
  }
}
