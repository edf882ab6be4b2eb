// One conversation: consent, the queue of messages, trouble and recovery. Knows nothing of the
// page; `changed` redraws it.
import { Channel, Trouble } from "./channel";
import { Memory, type Kept, type Pending } from "./memory";
import type { Choice, Clinic, Said, Turn } from "./types";

export type Item =
  | { id: string; from: "visitor"; text: string; waiting?: boolean }
  | { id: string; from: "assistant"; turn: Turn; old?: boolean }
  | {
      id: string;
      from: "note";
      note: "expired" | "restarted" | "unknown_choice" | "too_large" | "refused";
    };

export type News =
  | { type: "message"; from: "visitor" | "assistant"; kind: string }
  | { type: "urgent"; urgency: string };

/** What tabs of one website tell each other: the ends of tokens. */
interface Heard {
  said?: string;
  erased?: string;
}

/** Most messages under way at a time; a browser has six connections to a server. */
const LANES = 4;

/** Of these troubles a message does not recover: the words that say so. */
const REFUSED = { refused: 1, too_large: 1 };

const newId = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");

export class Conversation {
  clinic?: Clinic;
  items: Item[] = [];
  /** The newest turn, until something else is asked: where the eyes should be. */
  arrived?: string;
  /** Restoring or fetching what the first view needs. */
  loading = false;
  /** Showing what was said on an earlier page: not news that a screen reader should read out. */
  restoring = false;
  trouble?: Trouble;
  /** What a deletion led to, shown in place of the conversation. */
  erased?: "erased" | "erasedSent" | "erasedExpired"; // the words that say so
  erasing = false;
  // Of what has been erased so far, also when the next call fails.
  private outcome: NonNullable<Conversation["erased"]> = "erased";
  readonly kept: Kept;
  private preparing?: Promise<void>;
  private readonly flights = new Map<string, { done: Promise<void>; abort: AbortController }>();
  private tabs?: BroadcastChannel;
  private timer?: number;
  private tries = 0;
  private abort = new AbortController();
  private deepLink?: string;

  constructor(
    private readonly channel: Channel,
    private readonly memory: Memory,
    private readonly locale: string,
    private readonly changed: () => void,
    private readonly news: (news: News) => void,
  ) {
    this.kept = memory.read();
    this.listen(true);
  }

  /** Waiting for the assistant's reply. */
  get busy(): boolean {
    return this.flights.size > 0;
  }

  get consent(): boolean {
    return this.kept.consent === true;
  }

  private get pending(): Pending[] {
    return (this.kept.pending ??= []);
  }

  /** Fetch what the notice needs, and the conversation so far where this tab has one. */
  async start(): Promise<void> {
    if (this.clinic || this.loading) return;
    this.loading = true;
    this.changed();
    try {
      this.clinic = this.kept.clinic = await this.channel.clinic();
      this.ail();
      this.keep();
    } catch (error) {
      this.clinic = this.kept.clinic;
      if (!this.clinic) this.ail(asTrouble(error));
    }
    this.loading = false;
    if (this.clinic && this.consent) await this.resume();
    this.changed();
  }

  /** The visitor accepts the notice: only now is a conversation opened. */
  async accept(): Promise<void> {
    this.kept.consent = true;
    this.kept.clinic = this.clinic;
    this.keep();
    await this.resume();
  }

  /** Show the conversation of this tab again, or open one; then send what waits. */
  private async resume(): Promise<void> {
    for (const message of this.pending)
      if (!this.items.some((item) => item.id === message.client_id)) this.show(message);
    this.changed();
    await this.pump();
  }

  /** Ask about a topic as a link of the page says, once the notice is accepted. */
  async ask(topic: string): Promise<void> {
    this.deepLink = topic;
    if (this.consent && this.clinic) await this.pump();
  }

  say(text: string): void {
    this.add({ client_id: newId(), text });
  }

  pick(choice: Choice): void {
    this.add({ client_id: newId(), text: choice.title, choice: choice.id });
  }

  private add(message: Pending, kind = message.choice ? "choice" : "text"): void {
    this.pending.push(message);
    this.show(message);
    this.keep();
    this.arrived = undefined;
    this.news({ type: "message", from: "visitor", kind });
    this.changed();
    void this.pump(message);
  }

  private show({ client_id: id, text }: Pending): void {
    this.items.push({ id, from: "visitor", text, waiting: true });
  }

  /** Try again after trouble. */
  retry(): Promise<void> {
    this.ail();
    this.changed();
    return this.again();
  }

  /** The same without a word: the trouble stays on the screen until it is over. */
  private again(): Promise<void> {
    return this.clinic ? this.pump() : this.start();
  }

  /** Whether something written has not been answered yet. */
  get unsent(): boolean {
    return this.pending.length > 0;
  }

  /** Whether a message's reply is awaited just now. */
  sending(id: string): boolean {
    return this.flights.has(id);
  }

  /**
   * Send what waits, in the order in which it was written, and without waiting for the replies:
   * the server keeps the order, and answers what is urgent first. `newest` goes out whatever
   * happened to the messages before it: the widget cannot know which message is urgent.
   */
  private async pump(newest?: Pending): Promise<void> {
    if (newest && this.preparing) this.push(newest);
    try {
      await (this.preparing ??= this.prepare().finally(() => (this.preparing = undefined)));
      if (!this.pending.length) this.ail();
      // Too many messages a minute: what was refused is not sent again before its time.
      if (!newest || this.trouble?.kind !== "busy")
        for (const message of this.pending) if (this.flights.size < LANES) this.fly(message);
    } catch (error) {
      this.ail(asTrouble(error));
    }
    if (newest) this.push(newest);
    this.changed();
  }

  /** Send a message now, if need be in the place of the one that has waited longest for its reply:
   * that is fetched afterwards by its client_id. */
  private push(message: Pending): void {
    if (this.flights.size >= LANES && !this.sending(message.client_id))
      this.flights.values().next().value!.abort.abort();
    this.fly(message);
  }

  /**
   * Show a trouble, or none any more, and try again by itself: when the server says, else after 2,
   * 4, 8 … 30 seconds.
   */
  private ail(trouble?: Trouble): void {
    clearTimeout(this.timer);
    this.trouble = trouble;
    if (!trouble) this.tries = 0;
    else if (trouble.kind !== "unlisted")
      this.timer = setTimeout(
        () => void (trouble.kind === "busy" ? this.retry() : this.again()),
        1000 * (trouble.seconds || Math.min(2 ** ++this.tries, 30)),
      );
  }

  /** See to it that there is a conversation, that it is on the screen, and what a link asks. */
  private async prepare(): Promise<void> {
    const signal = this.abort.signal;
    while (!this.stopped(signal)) {
      try {
        if (!this.kept.token) await this.open(signal);
        else if (!this.items.some((item) => item.from === "assistant")) await this.restore();
        await this.followLink();
        if (!this.deepLink) return;
      } catch (error) {
        const trouble = asTrouble(error);
        if (signal.aborted) return;
        if (trouble.kind === "expired") this.expire();
        else throw trouble.kind in REFUSED ? new Trouble("unavailable") : trouble;
      }
    }
  }

  /** A deletion waits for the turns under way, not for what has not been sent yet. */
  private stopped(signal = this.abort.signal): boolean {
    return signal.aborted || this.erasing;
  }

  private fly(message: Pending): void {
    const { client_id, text, choice } = message;
    const token = this.kept.token;
    if (this.stopped() || !token || this.flights.has(client_id)) return;
    if (!this.pending.includes(message)) return;
    const whole = this.abort.signal;
    const abort = new AbortController();
    whole.addEventListener("abort", () => abort.abort());
    const done = this.channel
      .say(token, choice ? { choice, client_id } : { text, client_id }, abort.signal)
      .then(
        (turn) => whole.aborted || this.answered(message, turn),
        (error) => abort.signal.aborted || this.failed(message, token, asTrouble(error)),
      )
      .then(() => {
        this.flights.delete(client_id);
        this.changed();
        if (!this.trouble && !this.stopped(whole) && this.pending.length) void this.pump();
      });
    this.flights.set(client_id, { done, abort });
  }

  /** What can be mended without the visitor is; else the message stays and the trouble is shown. */
  private failed(message: Pending, token: string, trouble: Trouble): void {
    if (trouble.kind === "expired") {
      if (token === this.kept.token) this.expire();
    } else if (trouble.kind in REFUSED) {
      this.drop(message);
      if (message.choice) this.note("unknown_choice");
      else {
        // Back into the box, before what is being written: nothing is lost.
        this.kept.draft = [message.text, this.kept.draft].filter(Boolean).join("\n\n");
        this.note(trouble.kind as keyof typeof REFUSED);
      }
      this.keep();
    } else this.ail(trouble);
  }

  private drop({ client_id }: Pending): void {
    this.kept.pending = this.pending.filter((one) => one.client_id !== client_id);
    this.items = this.items.filter((item) => item.id !== client_id);
  }

  private async open(signal: AbortSignal): Promise<void> {
    this.loading = !this.items.length;
    this.changed();
    try {
      const { token, turn } = await this.channel.open(this.locale);
      if (signal.aborted) return;
      this.kept.token = token;
      this.insert({ id: turn.id, from: "assistant", turn });
    } finally {
      this.loading = false;
    }
    this.keep();
    this.changed();
  }

  /** Put what the server has of the conversation on the screen, as far as it is not there yet. */
  private async restore(): Promise<void> {
    const token = this.kept.token!;
    this.loading = this.restoring = !this.items.length;
    this.changed();
    try {
      const said = await this.channel.history(token);
      if (token !== this.kept.token) return;
      const since = this.loading ? this.items.splice(0) : [];
      this.merge(said);
      this.items.push(...since);
    } finally {
      this.loading = false;
      setTimeout(() => {
        this.restoring = false;
        this.changed();
      }, 500);
    }
    this.changed();
  }

  /** A turn is known by its id; the visitor's words before it come with it. */
  private merge(said: Said[]): void {
    let before: Item[] = [];
    for (const one of said) {
      if (one.from === "visitor") before.push({ id: newId(), from: "visitor", text: one.text });
      else {
        const { turn } = one;
        if (!this.items.some((item) => item.id === turn.id)) {
          this.insert(...before, { id: turn.id, from: "assistant", turn });
          if (!this.loading) this.arrived = turn.id;
        }
        before = [];
      }
    }
  }

  /**
   * Another page or tab may have gone on with the conversation: fetch what is not on the screen
   * yet. `again`: the page comes out of the browser's memory of pages, and what this tab keeps may
   * have changed since.
   */
  async refresh(again = false): Promise<void> {
    if (again) {
      await this.halt();
      const kept = this.memory.read();
      const gone = this.kept.token && !kept.token;
      for (const name of Object.keys(this.kept) as (keyof Kept)[]) delete this.kept[name];
      Object.assign(this.kept, kept);
      this.items = [];
      if (gone) this.emptied(this.clinic && "erased");
      else if (this.clinic && this.consent) await this.resume();
    } else if (this.clinic && this.kept.token && !this.preparing && !this.erasing) {
      await this.restore().catch((error) => {
        if (asTrouble(error).kind !== "expired") return; // the next message says what is the matter
        this.expire();
        void this.pump();
      });
    }
    this.changed();
  }

  /** What another tab says: it went on with this conversation, or has erased some. */
  private heard({ said, erased }: Heard): void {
    const room = this.room();
    if (!room) return;
    if (said === room) void this.refresh();
    else if (erased === room) void this.halt().then(() => this.emptied(this.clinic && "erased"));
  }

  /** What names a conversation among the tabs of a website, and opens it to nobody. */
  private room(token = this.kept.token): string {
    return token?.slice(-16) ?? "";
  }

  /** Listen to the other tabs of this website, or no longer: a sleeping page must not. */
  listen(on: boolean): void {
    this.tabs?.close();
    this.tabs = on ? new BroadcastChannel(this.memory.key) : undefined;
    if (this.tabs) this.tabs.onmessage = ({ data }) => this.heard(data);
  }

  /**
   * The server no longer knows the token: say so, keep what is on the page to read, and go on in a
   * new conversation.
   */
  private expire(): void {
    this.kept.token = undefined;
    this.kept.votes = {};
    for (const item of this.items) if (item.from === "assistant") item.old = true;
    for (const message of this.pending) delete message.choice;
    this.note("expired");
    this.keep();
  }

  private async followLink(): Promise<void> {
    const topic = this.deepLink;
    if (!topic) return;
    const question = await this.channel.question(topic);
    this.deepLink = undefined;
    if (!question) console.warn(`microneedling-assistant: there is no topic "${topic}"`);
    else {
      const message = { client_id: newId(), text: question };
      this.pending.push(message);
      this.show(message);
      this.keep();
      this.arrived = undefined;
      this.news({ type: "message", from: "visitor", kind: "topic" });
    }
  }

  private answered(message: Pending, turn: Turn): void {
    // The reply to an urgent message overtakes what still waits, and its question goes with it.
    this.drop(message);
    if (!this.items.some((item) => item.id === turn.id)) {
      const { client_id: id, text } = message;
      this.insert({ id, from: "visitor", text }, { id: turn.id, from: "assistant", turn });
    } // else answered on another page: the history has both
    this.arrived = turn.id;
    if (this.trouble?.kind !== "busy" || !this.pending.length) this.ail();
    this.keep();
    this.tabs?.postMessage({ said: this.room() } satisfies Heard);
    this.news({ type: "message", from: "assistant", kind: turn.kind });
    if (turn.urgency === "same_day" || turn.urgency === "emergency" || turn.kind === "crisis")
      this.news({ type: "urgent", urgency: turn.urgency });
    this.changed();
  }

  private note(note: Extract<Item, { from: "note" }>["note"]): void {
    this.insert({ id: newId(), from: "note", note });
    this.changed();
  }

  /** Put items behind what has been dealt with, before the messages that still wait. */
  private insert(...items: Item[]): void {
    const at = this.items.findIndex((one) => one.from === "visitor" && one.waiting);
    this.items.splice(at < 0 ? this.items.length : at, 0, ...items);
  }

  async vote(turn: Turn, vote: "up" | "down", comment?: string): Promise<boolean> {
    const before = this.kept.votes?.[turn.id];
    this.kept.votes = { ...this.kept.votes, [turn.id]: vote };
    this.keep();
    this.changed();
    try {
      await this.channel.feedback(this.kept.token ?? "", {
        turn: turn.id,
        topic: turn.topics[0] ?? null,
        vote,
        ...(comment ? { comment } : {}),
      });
      return true;
    } catch {
      const votes = { ...this.kept.votes };
      if (before) votes[turn.id] = before;
      else delete votes[turn.id];
      this.kept.votes = votes;
      this.keep();
      this.changed();
      return false;
    }
  }

  /** Leave this conversation and begin another. */
  async restart(): Promise<void> {
    await this.halt();
    if (this.kept.token) this.kept.left = [...(this.kept.left ?? []), this.kept.token];
    this.kept.token = undefined;
    this.items = [];
    this.erased = undefined;
    this.note("restarted");
    this.keep();
    await this.pump();
  }

  /**
   * Erase the conversation, and those that a restart left behind, on the server and in this tab.
   * Throws Trouble when the server could not be told.
   */
  async erase(): Promise<void> {
    this.erasing = true;
    this.changed();
    try {
      // Turns under way are waited for, so that nothing is stored after the deletion.
      await this.landed();
      for (const token of this.kept.left ?? []) {
        await this.eraseOne(token);
        this.kept.left = this.kept.left!.filter((one) => one !== token);
        this.keep();
      }
      if (this.kept.token) await this.eraseOne(this.kept.token);
    } catch (error) {
      // What waits is sent when the visitor says so.
      if (this.pending.length) this.trouble = asTrouble(error);
      throw error;
    } finally {
      this.erasing = false;
      this.changed();
    }
    await this.halt();
    this.emptied(this.outcome);
    this.outcome = "erased";
  }

  /** Nothing of the conversation stays in this tab. */
  private emptied(outcome: Conversation["erased"]): void {
    this.erased = outcome;
    this.deepLink = undefined;
    this.items = [];
    for (const name of Object.keys(this.kept) as (keyof Kept)[]) delete this.kept[name];
    this.memory.forget();
    this.changed();
  }

  private async eraseOne(token: string): Promise<void> {
    try {
      if ((await this.channel.erase(token)) && this.outcome === "erased")
        this.outcome = "erasedSent";
    } catch (error) {
      if (asTrouble(error).kind !== "expired") throw error;
      this.outcome = "erasedExpired";
    }
    this.tabs?.postMessage({ erased: this.room(token) } satisfies Heard);
  }

  /** After a deletion: back to the notice. */
  begin(): void {
    this.erased = undefined;
    this.changed();
  }

  set draft(text: string) {
    this.kept.draft = text;
    this.keep();
  }

  /** When no turn is under way any more. */
  private async landed(): Promise<void> {
    await this.preparing?.catch(() => 0);
    await Promise.all([...this.flights.values()].map(({ done }) => done));
  }

  private async halt(): Promise<void> {
    this.abort.abort();
    await this.landed();
    this.abort = new AbortController();
    this.ail();
    this.kept.pending = [];
    this.kept.votes = {};
  }

  private keep(): void {
    this.memory.write(this.kept);
  }
}

function asTrouble(error: unknown): Trouble {
  if (error instanceof Trouble) return error;
  console.error(error);
  return new Trouble("unavailable");
}
