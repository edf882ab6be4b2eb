// What the panel shows: one template of the conversation's state. No markup from outside reaches
// lit as a string.
import { html, nothing, type TemplateResult } from "lit/html.js";
import { repeat } from "lit/directives/repeat.js";
import type { Conversation, Item } from "./conversation";
import { icon } from "./icons";
import { numbersIn, rich } from "./markdown";
import type { Strings } from "./strings/en";
import type { Choice, Clinic, Dial, Message, Source, Turn } from "./types";
import { alarm, fill, type Level } from "./words";

export type Sheet = "menu" | "person" | "about" | "restart" | "erase";

/** What only the page knows: the open sheet, the box, the votes being commented. */
export interface Ui {
  sheet?: Sheet;
  written: number;
  commenting?: string;
  thanked: Set<string>;
  status: string;
  eraseFailed: boolean;
}

export interface Actions {
  accept(): void;
  send(): void;
  typed(): void;
  keys(event: KeyboardEvent): void;
  pick(choice: Choice): void;
  retry(): void;
  vote(turn: Turn, vote: "up" | "down"): void;
  comment(turn: Turn, event: SubmitEvent): void;
  sheet(sheet?: Sheet): void;
  restart(): void;
  erase(): void;
  begin(): void;
  save(): void;
  handoff(): void;
  close(): void;
}

/** Near the end of what can be answered, the box says how much is left. */
const COUNT_FROM = 500;

/** Circumstances with which the link to book is not offered. */
const NO_BOOKING = ["pregnancy", "breastfeeding", "isotretinoin", "minor"];

export class View {
  private readonly texts = new WeakMap<Message, HTMLElement>();

  constructor(
    private readonly conversation: Conversation,
    private readonly words: Strings,
    private readonly ui: Ui,
    private readonly actions: Actions,
    private readonly date: (iso: string) => string,
    private readonly lang: string,
    private readonly phone: string | undefined,
  ) {}

  private get clinic(): Clinic | undefined {
    return this.conversation.clinic;
  }

  panel(): TemplateResult {
    const { conversation, ui, words, actions } = this;
    const talking = conversation.consent && this.clinic && !conversation.erased;
    return html`
      <header class="header" part="header">
        <span class="avatar">${icon("leaf")}</span>
        <div class="who"><h2 id="title" tabindex="-1">${
          this.clinic?.assistant_name ?? words.automated
        }</h2><p>${this.clinic ? words.automated : nothing}</p></div>
        ${
          this.clinic
            ? html`<button class="icon-button menu-button" aria-label=${words.menu}
              title=${words.menu} aria-expanded=${ui.sheet === "menu"}
              @click=${() => actions.sheet(ui.sheet ? undefined : "menu")}>${icon("more")}</button>`
            : nothing
        }
        <button class="icon-button close-button" aria-label=${words.close} title=${words.close}
          @click=${actions.close}>${icon("close")}</button>
      </header>
      ${this.personBar()}
      <div class="body">
        <div class="scroll" ?inert=${Boolean(ui.sheet)} tabindex="0" role="group"
          aria-label=${words.chat}>
          ${
            conversation.erased
              ? this.erased()
              : !this.clinic
                ? this.start()
                : !conversation.consent
                  ? this.notice()
                  : nothing
          }
          <div class="log" part="log" role="log"
            aria-live=${conversation.restoring ? "off" : "polite"} aria-label=${words.conversation}
            ?hidden=${!talking}>
            ${repeat(
              talking ? conversation.items : [],
              (item) => item.id,
              (item, at) => this.item(item, at),
            )}
          </div>
          ${
            talking && conversation.busy
              ? html`<div class="typing" aria-hidden="true"><i></i><i></i><i></i></div>`
              : nothing
          }
          ${
            talking && conversation.loading
              ? html`<p class="loading">${words.loading} …</p>`
              : nothing
          }
          ${talking && conversation.trouble ? this.trouble() : nothing}
        </div>
        ${ui.sheet ? this.sheet(ui.sheet) : nothing}
      </div>
      ${talking ? this.composer() : nothing}
      <p class="hidden" role="status">${this.status()}</p>`;
  }

  private status(): string {
    const { conversation, ui, words } = this;
    if (conversation.busy) return fill(words.typing, { name: this.clinic!.assistant_name });
    if (conversation.erasing) return words.erasing;
    return ui.status;
  }

  private personBar(): TemplateResult | typeof nothing {
    const { ui, words, actions } = this;
    if (!this.clinic) return nothing;
    return html`<button class="person" part="person" aria-expanded=${ui.sheet === "person"}
      @click=${() =>
        actions.sheet(
          ui.sheet === "person" ? undefined : "person",
        )}>${icon("phone")}${words.person}</button>`;
  }

  /** Before the clinic's facts have arrived, or when they could not be fetched. */
  private start(): TemplateResult {
    const { conversation, words } = this;
    if (!conversation.trouble) return html`<p class="loading">${words.loading} …</p>`;
    const text =
      conversation.trouble.kind === "offline" ? words.offlineStart : words.unavailableStart;
    return this.problem(text);
  }

  private notice(): TemplateResult {
    const { words, actions } = this;
    return html`<section class="card notice" part="notice" aria-labelledby="notice">
      <h3 id="notice">${words.before}</h3>
      ${this.noticeText()}
      <p class="links">${this.emergencyUnlessSaid()} ${this.privacy()}</p>
      <button class="primary" @click=${actions.accept}>${words.accept}</button>
    </section>`;
  }

  private noticeText(): HTMLElement {
    const clinic = this.clinic!;
    this.noticeMessage ??= {
      role: "notice",
      language: this.words.notice && this.lang,
      text: this.words.notice
        ? fill(this.words.notice, {
            name: clinic.assistant_name,
            clinic: clinic.name,
            number: clinic.emergency_number,
            days: clinic.retention_days,
          })
        : clinic.notice,
    };
    return this.text(this.noticeMessage);
  }

  private noticeMessage?: Message;

  /**
   * The numbers that can be dialled. Three emergency numbers or more are examples, because the
   * country is not known: they stay words.
   */
  private get numbers(): Dial[] {
    const { emergency_number, numbers } = this.clinic!;
    const emergency = numbersIn(emergency_number, numbers);
    return emergency.length > 2 ? numbers.filter((one) => !emergency.includes(one)) : numbers;
  }

  /** The country's one or two emergency numbers, or none. */
  private get emergencyNumbers(): Dial[] {
    return numbersIn(this.clinic!.emergency_number, this.numbers);
  }

  private emergencyWords(number: string): string {
    return fill(this.words.emergencyCall, { number });
  }

  private emergency(): TemplateResult | TemplateResult[] {
    const numbers = this.emergencyNumbers;
    if (!numbers.length)
      return html`<span>${this.emergencyWords(this.clinic!.emergency_number)}</span>`;
    return numbers.map(
      (number) =>
        html`<a href="tel:${number.tel}">${icon("phone")}${this.emergencyWords(number.text)}</a>`,
    );
  }

  /** The notice's own words usually name the number, as a link. */
  private emergencyUnlessSaid(): unknown {
    return this.noticeText().textContent!.includes(this.clinic!.emergency_number)
      ? nothing
      : this.emergency();
  }

  private privacy(): TemplateResult | typeof nothing {
    const link = this.clinic!.privacy_link;
    return link ? this.outside(link, this.words.privacy) : nothing;
  }

  private outside(href: string, text: string): TemplateResult {
    return html`<a href=${href} target="_blank" rel="noopener noreferrer"
      aria-label="${text} (${this.words.newTab})">${text}</a>`;
  }

  private item(item: Item, at: number): TemplateResult {
    const { conversation, words } = this;
    if (item.from === "note") return html`<p class="note">${words[item.note]}</p>`;
    if (item.from === "assistant")
      return this.turn(item.turn, item.old === true, at === conversation.items.length - 1);
    const first = conversation.items.find((one) => one.from === "visitor" && one.waiting) === item;
    const waits =
      item.waiting && (conversation.trouble ? words.notSent : !first ? words.waiting : "");
    return html`<div class="visitor" part="visitor"><span class="hidden">${words.you}: </span><div
      class="bubble" dir="auto">${item.text}</div>${
        waits ? html`<small>${waits}</small>` : nothing
      }</div>`;
  }

  private turn(turn: Turn, old: boolean, last: boolean): TemplateResult {
    const greeting = turn.kind === "notice";
    const messages = greeting
      ? turn.messages.filter((message) => message.role !== "notice")
      : turn.messages;
    return html`<div class="turn ${old ? "old" : ""}" data-id=${turn.id} part="turn">
      <span class="hidden">${this.clinic!.assistant_name}: </span>
      ${messages.map((message, at) =>
        this.message(message, turn, messages[at - 1]?.role === message.role),
      )}
      ${turn.sources.length || turn.reviewed_on ? this.sources(turn) : nothing}
      ${old ? nothing : this.choices(turn.choices, last)}
      ${old || greeting || turn.kind === "crisis" ? nothing : this.feedback(turn)}
    </div>`;
  }

  /** `again`: the message before it has the same role, so that its label is not repeated. */
  private message(message: Message, turn: Turn, again: boolean): TemplateResult {
    const { words } = this;
    if (turn.kind === "crisis" && message.role === "answer") return this.urgent(message, "crisis");
    if (message.role === "triage") return this.urgent(message, alarm(message, turn));
    const label = again
      ? ""
      : message.role === "caveat"
        ? words.caveat
        : message.role === "caution"
          ? words.caution
          : "";
    return html`<div class="message ${message.role}" part=${message.role}>${
      label ? html`<p class="label">${icon("info")}${label}</p>` : nothing
    }${this.text(message)}</div>`;
  }

  /**
   * A reply with what to do first above its text, in sight on the smallest phone: the emergency
   * number, or who can be reached today.
   */
  private urgent(message: Message, level: Level | "crisis"): TemplateResult {
    const { words } = this;
    const clinic = this.clinic!;
    const emergency = this.emergencyNumbers;
    const named = numbersIn(message.text, this.numbers);
    const dialled = named.filter((one) => emergency.includes(one));
    const others = named.filter((one) => !emergency.includes(one));
    const calls =
      level === "emergency"
        ? [...(dialled.length ? dialled : emergency), ...others]
        : level === "crisis"
          ? named
          : [...(others.length ? others : [clinic.phone]), ...dialled];
    const top =
      level === "today" || (level === "emergency" && emergency.length) ? calls.shift() : undefined;
    return html`<section class="urgent ${level}" part="urgent">
      <h3>${icon(level === "crisis" ? "heart" : "alert")}${words[level]}</h3>
      ${
        top
          ? html`<p class="calls">${this.call(top, words, true)}</p>`
          : level === "emergency"
            ? html`<p class="words">${this.emergencyWords(clinic.emergency_number)}</p>`
            : nothing
      }
      ${this.text(message)}
      <p class="calls">${calls
        .slice(0, 3)
        .map((number, at) =>
          this.call(number, words, !top && level !== "emergency" && at === 0),
        )}</p>
    </section>`;
  }

  private call(number: Dial, words: Strings, first: boolean): TemplateResult {
    return html`<a class="call ${first ? "first" : ""}" part="call"
      href="tel:${number.tel}">${icon("phone")}${fill(words.call, { number: number.text })}</a>`;
  }

  private text(message: Message): HTMLElement {
    let element = this.texts.get(message);
    if (!element)
      this.texts.set(
        message,
        (element = rich(message.text, this.numbers, message.language || "en")),
      );
    return element;
  }

  private sources({ sources, reviewed_on }: Turn): TemplateResult {
    const { words } = this;
    const reviewed = reviewed_on
      ? html`<span class="reviewed">${fill(words.reviewed, {
          date: this.date(reviewed_on),
        })}</span>`
      : nothing;
    if (!sources.length) return html`<p class="sources">${reviewed}</p>`;
    const name = (source: Source) =>
      [source.title, source.publisher, source.year].filter(Boolean).join(", ");
    return html`<div class="sources"><details><summary>${fill(words.sources, {
      count: sources.length,
    })}</summary>
      <ul>${sources.map(
        (source) =>
          html`<li><bdi lang="en">${
            source.url?.startsWith("https://")
              ? this.outside(source.url, name(source))
              : name(source)
          }</bdi></li>`,
      )}</ul></details>${reviewed}</div>`;
  }

  private choices(choices: Choice[], last: boolean): TemplateResult | typeof nothing {
    if (!choices.length) return nothing;
    return html`<div class="choices ${last ? "" : "past"}" role="group"
      aria-label=${this.words.choices}>
      ${choices.map(
        (choice) =>
          html`<button class="chip" part="chip" lang="en" dir="auto"
            @click=${() => this.actions.pick(choice)}>${choice.title}</button>`,
      )}</div>`;
  }

  private feedback(turn: Turn): TemplateResult {
    const { ui, words, actions } = this;
    const vote = this.conversation.kept.votes?.[turn.id];
    const thumb = (way: "up" | "down") =>
      html`<button class="thumb" aria-label=${words[way]} title=${words[way]}
        aria-pressed=${vote === way} @click=${() => actions.vote(turn, way)}>${icon(way)}</button>`;
    return html`<div class="feedback" aria-live="off">
      ${thumb("up")}${thumb("down")}
      ${ui.thanked.has(turn.id) ? html`<span class="thanks">${words.thanks}</span>` : nothing}
      ${
        ui.commenting === turn.id
          ? html`<form @submit=${(event: SubmitEvent) => actions.comment(turn, event)}>
        <label>${words.comment}<input name="comment" maxlength="500" autocomplete="off"
          dir="auto"></label><button class="secondary">${words.sendComment}</button></form>`
          : nothing
      }
    </div>`;
  }

  private trouble(): TemplateResult {
    const { words } = this;
    const trouble = this.conversation.trouble!;
    const text =
      trouble.kind === "offline"
        ? words.offline
        : trouble.kind === "busy"
          ? fill(words.busy, { seconds: trouble.seconds || 10 })
          : words.unavailable;
    return this.problem(text);
  }

  private problem(text: string): TemplateResult {
    const { words, actions } = this;
    const phone =
      this.clinic?.phone ??
      (this.phone ? { text: this.phone, tel: this.phone.replace(/[^\d+]/g, "") } : undefined);
    const [before, after] = words.orCall.split("{phone}");
    return html`<div class="problem" role="alert" part="problem"><p>${text}</p>
      ${
        phone
          ? html`<p>${before}<a href="tel:${phone.tel}"><bdi>${phone.text}</bdi></a>${after}</p>`
          : nothing
      }
      <button class="secondary"
        @click=${actions.retry}>${icon("again")}${words.retry}</button></div>`;
  }

  private erased(): TemplateResult {
    const { conversation, words, actions } = this;
    const text = fill(words[conversation.erased!], {
      days: this.clinic!.retention_days,
      phone: this.clinic!.phone.text,
    });
    return html`<section class="card"
      role="alert"><p>${text}</p><button class="primary"
        @click=${actions.begin}>${words.begin}</button></section>`;
  }

  private sheet(sheet: Sheet): TemplateResult {
    const { words, actions } = this;
    const titles: Record<Sheet, string> = {
      menu: words.menu,
      person: words.person,
      about: words.about,
      restart: words.restart,
      erase: words.erase,
    };
    return html`<section class="sheet" part="sheet" aria-labelledby="sheet">
      <div
        class="sheet-head"><h3 id="sheet"
          tabindex="-1">${titles[sheet]}</h3><button class="secondary"
            @click=${() => actions.sheet()}>${icon("back")}${words.back}</button></div>
      ${this[sheet]()}</section>`;
  }

  private menu(): TemplateResult {
    const { words, actions, conversation } = this;
    const row = (name: "again" | "save" | "bin" | "info", text: string, click: () => void) =>
      html`<button class="row" @click=${click}>${icon(name)}${text}</button>`;
    const begun = conversation.consent && !conversation.erased;
    return html`${
      begun
        ? html`${row("again", words.restart, () =>
            actions.sheet("restart"),
          )}${row("save", words.transcript, actions.save)}${row("bin", words.erase, () =>
            actions.sheet("erase"),
          )}`
        : nothing
    }
      ${row("info", words.about, () => actions.sheet("about"))}`;
  }

  private person(): TemplateResult {
    const { words, actions, conversation } = this;
    const clinic = this.clinic!;
    return html`<p>${fill(words.personText, { clinic: clinic.name })}</p>
      <a class="row strong" href="tel:${clinic.phone.tel}">${icon("phone")}${fill(words.call, {
        number: clinic.phone.text,
      })}</a>
      ${
        clinic.email
          ? html`<a class="row" href="mailto:${clinic.email}">${icon("mail")}${fill(words.mail, {
              email: clinic.email,
            })}</a>`
          : nothing
      }
      ${
        clinic.booking_link && !this.cautioned()
          ? html`<a class="row" href=${clinic.booking_link} target="_blank"
            rel="noopener noreferrer"
            aria-label="${words.book} (${words.newTab})">${icon("date")}${words.book}</a>`
          : nothing
      }
      ${
        conversation.consent && !conversation.erased
          ? html`<button class="row" @click=${actions.handoff}>${icon("chat")}${words.ask}</button>`
          : nothing
      }
      ${
        clinic.hours.length
          ? html`<h4>${words.hours}</h4><ul class="hours">${clinic.hours.map(
              ({ days, times }) => html`<li><span>${days}</span><span>${times}</span></li>`,
            )}</ul>`
          : nothing
      }
      <p class="links">${this.emergency()}</p>`;
  }

  /**
   * Whether something was told in this conversation that is talked about with a person before
   * anything is booked.
   */
  private cautioned(): boolean {
    return this.conversation.items.some(
      (item) =>
        item.from === "assistant" &&
        item.turn.cautions.some((caution) => NO_BOOKING.includes(caution)),
    );
  }

  private about(): TemplateResult {
    // A node stands in one place only, and the notice itself may be under this sheet.
    const again = this.noticeText().cloneNode(true);
    return html`<div
      class="card">${again}<p
        class="links">${this.emergencyUnlessSaid()} ${this.privacy()}</p></div>`;
  }

  private restart(): TemplateResult {
    const { words, actions } = this;
    return html`<p>${words.restartAsk}</p><button class="primary"
      @click=${actions.restart}>${words.restartYes}</button>`;
  }

  private erase(): TemplateResult {
    const { words, actions, ui, conversation } = this;
    return html`<p>${words.eraseAsk}</p>
      ${
        ui.eraseFailed
          ? html`<p class="problem" role="alert">${fill(words.eraseFailed, {
              phone: this.clinic!.phone.text,
            })}</p>`
          : nothing
      }
      <button class="primary danger" @click=${actions.erase}
        aria-disabled=${conversation.erasing}>${
          conversation.erasing ? `${words.erasing} …` : words.eraseYes
        }</button>`;
  }

  private composer(): TemplateResult {
    const { ui, words, actions } = this;
    const most = this.clinic!.characters;
    const left = most - ui.written;
    return html`<form class="composer" part="composer" @submit=${(event: Event) => {
      event.preventDefault();
      actions.send();
    }}>
      <label for="box" class="hidden">${words.box}</label>
      <div
        class="write"><textarea id="box" rows="1" dir="auto" enterkeyhint="send" autocomplete="off"
          placeholder=${words.placeholder} aria-describedby="count" @input=${actions.typed}
          @keydown=${actions.keys}></textarea>
      <button class="send" part="send" aria-label=${words.send}
        title=${words.send}>${icon("send")}</button></div>
      <p id="count" class="count ${left < 0 ? "over" : ""}" role="status">${
        left < 0
          ? fill(words.over, { count: -left })
          : left <= COUNT_FROM
            ? fill(words.left, { count: left })
            : ""
      }</p>
      <p class="small">${words.small}</p>
    </form>`;
  }
}
