// The launcher: all that a page loads before a visitor shows interest. The panel is imported on
// hover, focus, touch or click; in idle time the browser only fetches it. No global name is set;
// <microneedling-assistant> is the way to reach it.
import css from "./launcher.css";
import type { Mount, Panel } from "./types";

const NAME = "microneedling-assistant";
const script = document.currentScript as HTMLScriptElement;
const base = new URL(".", script.src).href;
const options = { ...script.dataset } as Mount["options"];
const key = `assistant ${base}`;
const spanish = (options.lang || document.documentElement.lang).startsWith("es");
const label = options.label || (spanish ? "Haga una pregunta" : "Ask a question");
const failed =
  (spanish ? "No disponible, pulse otra vez " : "Not available, try again ") +
  (options.phone ?? "");

/**
 * The clinic's colour as #rrggbb and black or white on it, whichever contrasts more (one of them
 * always has 4.5 : 1).
 */
function colours(): [string, string] {
  const context = document.createElement("canvas").getContext("2d");
  const brand =
    context && options.color
      ? ((context.fillStyle = "#2f6f6a"),
        (context.fillStyle = options.color),
        String(context.fillStyle))
      : "";
  const hex = /^#[0-9a-f]{6}$/.test(brand) ? brand : "#2f6f6a";
  const [r, g, b] = [1, 3, 5].map((at) => (parseInt(hex.slice(at, at + 2), 16) / 255) ** 2.2);
  return [hex, 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#000000" : "#ffffff"];
}

class Assistant extends HTMLElement {
  #panel?: Promise<Panel>;
  #tries = 0;
  #button = document.createElement("button");
  #label = document.createElement("span");

  connectedCallback(): void {
    if (this.shadowRoot) return;
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [sheet];
    const [brand, on] = colours();
    this.style.setProperty("--_brand", brand);
    this.style.setProperty("--_on", on);
    Object.assign(this.dataset, options);
    const button = this.#button;
    button.className = "launcher";
    button.setAttribute("part", "launcher");
    button.setAttribute("aria-haspopup", "dialog");
    this.#label.textContent = label;
    const space = "http://www.w3.org/2000/svg";
    const icon = document.createElementNS(space, "svg");
    const path = document.createElementNS(space, "path");
    icon.setAttribute("viewBox", "0 0 24 24");
    path.setAttribute("d", "M4 5h16v11H11l-5 4v-4H4zM8 9h8M8 12h5");
    icon.append(path);
    button.append(icon, this.#label);
    root.append(button);
    for (const event of ["pointerenter", "focus", "touchstart"])
      button.addEventListener(event, () => this.#load().catch(() => 0), { passive: true });
    button.addEventListener("click", () => void this.open());
    addEventListener("hashchange", () => this.#deepLink());
    if (!this.#deepLink() && this.#wasOpen()) void this.open(false);
    const fetchOnly = () => {
      const link = document.createElement("link");
      link.rel = "modulepreload";
      link.href = base + PANEL;
      document.head.append(link);
    };
    const idle = () =>
      "requestIdleCallback" in window
        ? requestIdleCallback(fetchOnly)
        : setTimeout(fetchOnly, 2000);
    if (document.readyState === "complete") idle();
    else addEventListener("load", idle);
  }

  /** Open the panel; `focus` moves the keyboard's focus into it. */
  async open(focus = true): Promise<void> {
    (await this.#shown())?.open(focus);
  }

  async close(): Promise<void> {
    (await this.#panel)?.close();
  }

  /** Open the panel and ask about a topic of the knowledge base, for example "pain". */
  async ask(topic: string): Promise<void> {
    const panel = await this.#shown();
    panel?.ask(topic);
    panel?.open(true);
  }

  /** #ask=pain anywhere on the page; taken off the address, so that a reload does not ask again. */
  #deepLink(): boolean {
    const topic = /^#ask=([\w-]{1,60})$/.exec(location.hash)?.[1];
    if (!topic) return false;
    history.replaceState(history.state, "", location.pathname + location.search);
    void this.ask(topic);
    return true;
  }

  /** Whether the panel was open on the page before; on a phone it would cover the new page. */
  #wasOpen(): boolean {
    try {
      return innerWidth > 640 && sessionStorage.getItem(`${key} open`) === "1";
    } catch {
      return false;
    }
  }

  /** Fetch and mount the panel, once; after a failure the next call tries again. */
  #load(): Promise<Panel> {
    return (this.#panel ??= import(base + PANEL + (this.#tries ? `?${this.#tries}` : ""))
      .then((module) =>
        module.mount({
          host: this,
          root: this.shadowRoot!,
          launcher: this.#button,
          base,
          key,
          options,
        } satisfies Mount),
      )
      .catch((error) => {
        this.#panel = undefined;
        this.#tries++;
        throw error;
      }));
  }

  /**
   * The panel for somebody who waits for it: the launcher shows that it is coming, or that it is
   * not available.
   */
  async #shown(): Promise<Panel | undefined> {
    this.#button.setAttribute("aria-busy", "true");
    try {
      const panel = await this.#load();
      this.#label.textContent = label;
      return panel;
    } catch (error) {
      this.#label.textContent = failed;
      console.error(error);
      return undefined;
    } finally {
      this.#button.removeAttribute("aria-busy");
    }
  }
}

function start(): void {
  if (!customElements.get(NAME)) {
    customElements.define(NAME, Assistant);
    if (!document.querySelector(NAME)) document.body.append(document.createElement(NAME));
  }
}
if (document.body) start();
else addEventListener("DOMContentLoaded", start);
