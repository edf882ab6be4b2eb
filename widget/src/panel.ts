// The panel: opening and closing, focus, keyboard, scrolling, events for the page. Imported by the
// launcher when it is needed.
import { render } from "lit/html.js";
import { Channel } from "./channel";
import { themes } from "./colour";
import { Conversation, type News } from "./conversation";
import { Memory } from "./memory";
import css from "./panel.css";
import { save, transcript } from "./transcript";
import type { Mount, Panel } from "./types";
import { followKeyboard, SMALL } from "./viewport";
import { View, type Actions, type Sheet, type Ui } from "./view";
import { strings } from "./words";

export async function mount({ host, root, launcher, base, key, options }: Mount): Promise<Panel> {
  const lang = options.lang || document.documentElement.lang || "en";
  const { words, lang: spoken } = await strings(lang);
  const memory = new Memory(key);
  const dialog = document.createElement("dialog");
  dialog.className = "panel";
  dialog.setAttribute("part", "panel");
  dialog.setAttribute("aria-labelledby", "title");
  dialog.lang = spoken;
  dialog.dir = options.dir || getComputedStyle(document.documentElement).direction;
  for (const text of [css, themes(getComputedStyle(host).getPropertyValue("--_brand").trim())]) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  }
  root.append(dialog);

  const small = matchMedia(SMALL);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const touch = matchMedia("(pointer: coarse)");
  const ui: Ui = { written: 0, thanked: new Set(), status: "", eraseFailed: false };
  let shown: string | undefined; // the last item that was scrolled to
  let unfollow: (() => void) | undefined;

  const find = <E extends HTMLElement>(selector: string) => dialog.querySelector<E>(selector);
  const box = () => find<HTMLTextAreaElement>("#box");
  const emit = (name: string, detail?: object) =>
    host.dispatchEvent(new CustomEvent(name, { detail }));
  const conversation = new Conversation(
    new Channel(base),
    memory,
    lang,
    draw,
    ({ type, ...detail }: News) => emit(type, detail),
  );
  // "en" alone would write dates the American way.
  const region = navigator.languages.find((one) => one.startsWith(spoken)) ?? lang;
  const date = (iso: string) =>
    new Intl.DateTimeFormat(region, { dateStyle: "long", timeZone: "UTC" }).format(
      new Date(`${iso}T00:00:00Z`),
    );

  const actions: Actions = {
    accept: () => {
      void conversation.accept();
      draw();
      if (touch.matches) find("#title")?.focus();
      else box()?.focus();
    },
    send: () => {
      const field = box();
      const text = field?.value.trim();
      if (!field || !text) return;
      field.value = conversation.draft = "";
      ui.commenting = undefined;
      conversation.say(text);
      actions.typed();
      rest(field);
    },
    typed: () => {
      const field = box();
      if (!field) return;
      conversation.draft = field.value;
      ui.written = field.value.length;
      fit();
      draw();
    },
    keys: (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      actions.send();
    },
    pick: (choice) => {
      ui.commenting = undefined;
      conversation.pick(choice);
    },
    retry: () => void conversation.retry(),
    vote: (turn, vote) => {
      ui.commenting = turn.id;
      ui.thanked.delete(turn.id);
      ui.status = "";
      void conversation
        .vote(turn, vote)
        .then((sent) => said(sent ? words.thanks : words.refused, sent ? undefined : turn.id));
      draw();
      find(".feedback form")?.scrollIntoView({
        block: "nearest",
        behavior: still.matches ? "auto" : "smooth",
      });
    },
    comment: (turn, event) => {
      event.preventDefault();
      const word = new FormData(event.target as HTMLFormElement).get("comment");
      const vote = conversation.kept.votes?.[turn.id];
      if (typeof word !== "string" || !word.trim() || !vote) return;
      void conversation.vote(turn, vote, word.trim()).then((sent) => {
        if (!sent) return said(words.refused);
        ui.commenting = undefined;
        ui.thanked.add(turn.id);
        said(words.thanks);
        find(`[data-id="${turn.id}"] .thumb[aria-pressed=true]`)?.focus();
      });
    },
    sheet: (sheet) => show(sheet),
    restart: () => {
      show();
      void conversation.restart();
      rest();
    },
    erase: async () => {
      if (conversation.erasing) return;
      ui.eraseFailed = false;
      try {
        await conversation.erase();
        memory.open = true;
        show();
        find(".card button")?.focus();
      } catch {
        ui.eraseFailed = true;
        draw();
      }
    },
    begin: () => {
      conversation.begin();
      find("#title")?.focus();
    },
    save: () => {
      if (!conversation.clinic) return;
      save(
        `${conversation.clinic.assistant_name}.txt`,
        transcript(conversation.items, conversation.clinic, words, date),
      );
      show();
    },
    handoff: () => {
      show();
      conversation.say(words.askText);
      rest();
    },
    close,
  };
  const view = new View(conversation, words, ui, actions, date, spoken, options.phone);

  function draw(): void {
    render(view.panel(), dialog);
    const field = box();
    const draft = conversation.kept.draft ?? "";
    if (field && field.value !== draft) {
      // kept from the page before, or put back by the conversation
      field.value = draft;
      ui.written = field.value.length;
      fit();
      render(view.panel(), dialog);
    }
    follow();
  }

  /**
   * Where the focus waits for a reply: the box, or on a phone the conversation, so that the
   * on-screen keyboard makes room for the answer.
   */
  function rest(field = box()): void {
    (touch.matches ? find(".scroll") : field)?.focus();
  }

  function said(status: string, uncomment?: string): void {
    if (uncomment && ui.commenting === uncomment) ui.commenting = undefined;
    ui.status = status;
    draw();
  }

  /** The box grows with what is written, to five lines. */
  function fit(): void {
    const field = box();
    if (!field) return;
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight + 2, 136)}px`;
  }

  /**
   * Bring the newest item to where it is read: a reply from its beginning, one's own words at the
   * end.
   */
  function follow(force = false): void {
    const scroll = find(".scroll");
    const last = conversation.items.at(-1);
    const mark = conversation.trouble ? "trouble" : `${last?.id} ${conversation.busy}`;
    if (!scroll || !dialog.open || (mark === shown && !force)) return;
    shown = mark;
    const behavior = still.matches || force ? "auto" : "smooth";
    const reply =
      last?.from === "assistant" &&
      !conversation.busy &&
      !conversation.trouble &&
      conversation.items.length > 2
        ? find(`[data-id="${last.id}"]`)
        : null;
    const question = reply?.previousElementSibling as HTMLElement | null | undefined;
    const start = question && question.offsetHeight < scroll.clientHeight / 3 ? question : reply;
    scroll.scrollTo({ top: start ? start.offsetTop - 12 : scroll.scrollHeight, behavior });
  }

  function show(sheet?: Sheet): void {
    const from = ui.sheet;
    ui.sheet = sheet;
    ui.eraseFailed = false;
    draw();
    if (sheet) find("#sheet")?.focus();
    else if (from) find(from === "person" ? ".person" : ".menu-button")?.focus();
  }

  /**
   * A phone's panel covers the page, so the page is out of reach meanwhile; elsewhere both can be
   * used.
   */
  function raise(): void {
    if (dialog.open) dialog.close();
    if (small.matches) dialog.showModal();
    else dialog.show();
  }

  function open(focus: boolean): void {
    if (!dialog.open) {
      launcher.hidden = true;
      draw();
      const before = document.activeElement as HTMLElement | null;
      raise();
      unfollow = followKeyboard(dialog, () => follow(true));
      memory.open = true;
      if (!focus) {
        (root.activeElement as HTMLElement | null)?.blur(); // a dialog takes the focus by itself
        before?.focus();
      }
      emit("open");
      void conversation.start();
    }
    if (focus) arrive();
    follow(true);
  }

  /**
   * Where reading begins: the box when the conversation is on and a keyboard is at hand, else the
   * title.
   */
  function arrive(): void {
    const field = box();
    if (field && !touch.matches && !ui.sheet) field.focus();
    else find("#title")?.focus();
  }

  function close(): void {
    if (!dialog.open) return;
    const inside = root.activeElement !== null;
    dialog.close();
    closed();
    if (inside) launcher.focus();
  }

  function closed(): void {
    unfollow?.();
    ui.sheet = undefined;
    launcher.hidden = false;
    memory.open = false;
    emit("close");
  }

  // The back gesture of a phone, which closes a full-screen panel; without a tap before it, the
  // browser does not ask first.
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    if (ui.sheet) show();
    else close();
  });
  dialog.addEventListener("close", () => {
    if (!dialog.open && launcher.hidden) closed();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (ui.sheet) show();
    else close();
  });
  small.addEventListener("change", () => {
    if (!dialog.open) return;
    const focused = root.activeElement as HTMLElement | null;
    raise();
    focused?.focus();
  });
  addEventListener("online", () => {
    if (conversation.trouble?.kind === "offline") void conversation.retry();
  });

  return {
    open,
    close,
    ask: (topic) => void conversation.ask(topic),
    get isOpen() {
      return dialog.open;
    },
  };
}
