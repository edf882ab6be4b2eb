// One conversation: consent, the queue of messages, trouble and recovery. Knows nothing of the
// page; `changed` redraws it.
import { Channel, Trouble } from "./channel";
import { Memory, type Kept, type Pending } from "./memory";
import type { Choice, Clinic, Turn } from "./types";

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

const newId = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");

export class Conversation {
  clinic?: Clinic;
  items: Item[] = [];
  /** Waiting for the assistant's reply. */
  busy = false;
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
  private pumping?: Promise<void>;
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
    this.trouble = undefined;
    this.changed();
    try {
      this.clinic = this.kept.clinic = await this.channel.clinic();
      this.keep();
    } catch (error) {
      this.clinic = this.kept.clinic;
      if (!this.clinic) this.trouble = asTrouble(error);
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
    for (const { client_id: id, text } of this.pending) {
      if (!this.items.some((item) => item.id === id))
        this.items.push({ id, from: "visitor", text, waiting: true });
    }
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

  private add(message: Pending): void {
    this.pending.push(message);
    this.items.push({ id: message.client_id, from: "visitor", text: message.text, waiting: true });
    this.keep();
    this.news({ type: "message", from: "visitor", kind: message.choice ? "choice" : "text" });
    this.changed();
    void this.pump();
  }

  /** Try again after trouble. */
  async retry(): Promise<void> {
    if (!this.clinic) return this.start();
    return this.pump();
  }

  /**
   * Send what waits, one after another, in the order in which it was written. Ends at the first
   * trouble; nothing is dropped.
   */
  private pump(): Promise<void> {
    this.pumping ??= this.send().finally(() => {
      this.pumping = undefined;
      this.busy = false;
      this.changed();
    });
    return this.pumping;
  }

  private async send(): Promise<void> {
    const signal = this.abort.signal;
    this.trouble = undefined;
    // A deletion waits for the turn under way, not for all that waits behind it.
    const stopped = () => signal.aborted || this.erasing;
    while (!stopped()) {
      try {
        if (!this.kept.token) await this.open();
        else if (!this.items.some((item) => item.from === "assistant")) await this.restore();
        if (stopped()) return;
        await this.followLink();
        const next = this.pending[0];
        if (!next && this.deepLink) continue;
        if (!next || stopped()) return;
        this.busy = true;
        this.changed();
        const { client_id, text, choice } = next;
        const turn = await this.channel.say(
          this.kept.token!,
          choice ? { choice, client_id } : { text, client_id },
          signal,
        );
        if (signal.aborted) return;
        this.answered(next, turn);
      } catch (error) {
        if (stopped() || !this.recover(asTrouble(error))) return;
      }
    }
  }

  /** What can be mended without the visitor. Gives false when it has to wait for them. */
  private recover(trouble: Trouble): boolean {
    if (trouble.kind === "expired") {
      this.expire();
      return true;
    }
    if ((trouble.kind === "refused" || trouble.kind === "too_large") && this.pending.length) {
      const { client_id, text, choice } = this.pending.shift()!;
      this.items = this.items.filter((item) => item.id !== client_id);
      if (choice) this.note("unknown_choice");
      else {
        // Back into the box, before what is being written: nothing is lost.
        this.kept.draft = [text, this.kept.draft].filter(Boolean).join("\n\n");
        this.note(trouble.kind as "refused" | "too_large");
      }
      this.keep();
      return true;
    }
    this.trouble =
      trouble.kind === "refused" || trouble.kind === "too_large"
        ? new Trouble("unavailable")
        : trouble;
    return false;
  }

  private async open(): Promise<void> {
    this.loading = !this.items.length;
    this.changed();
    try {
      const { token, turn } = await this.channel.open(this.locale);
      this.kept.token = token;
      this.insert({ id: turn.id, from: "assistant", turn });
    } finally {
      this.loading = false;
    }
    this.keep();
    this.changed();
  }

  private async restore(): Promise<void> {
    this.loading = this.restoring = true;
    this.changed();
    try {
      const said = await this.channel.history(this.kept.token!);
      const items = said.map((one): Item =>
        one.from === "visitor"
          ? { id: newId(), from: "visitor", text: one.text }
          : { id: one.turn.id, from: "assistant", turn: one.turn },
      );
      this.items = [...items, ...this.items];
    } finally {
      this.loading = false;
      setTimeout(() => {
        this.restoring = false;
        this.changed();
      }, 500);
    }
    this.changed();
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
    if (question) {
      const message = { client_id: newId(), text: question };
      this.pending.push(message);
      this.items.push({ id: message.client_id, from: "visitor", text: question, waiting: true });
      this.keep();
    }
  }

  private answered(message: Pending, turn: Turn): void {
    this.kept.pending = this.pending.filter((one) => one !== message);
    const bubble = this.items.find((item) => item.id === message.client_id);
    if (this.items.some((item) => item.id === turn.id)) {
      // Answered before the page changed: the history has both.
      this.items = this.items.filter((item) => item !== bubble);
    } else {
      if (bubble?.from === "visitor") bubble.waiting = false;
      this.insert({ id: turn.id, from: "assistant", turn });
    }
    this.busy = this.pending.length > 0;
    this.keep();
    this.news({ type: "message", from: "assistant", kind: turn.kind });
    if (turn.urgency === "same_day" || turn.urgency === "emergency" || turn.kind === "crisis")
      this.news({ type: "urgent", urgency: turn.urgency });
    this.changed();
  }

  private note(note: Extract<Item, { from: "note" }>["note"]): void {
    this.insert({ id: newId(), from: "note", note });
    this.changed();
  }

  /** Put an item behind what has been dealt with, before the messages that still wait. */
  private insert(item: Item): void {
    const at = this.items.findIndex((one) => one.from === "visitor" && one.waiting);
    this.items.splice(at < 0 ? this.items.length : at, 0, item);
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
      // A turn under way is waited for, so that nothing is stored after the deletion.
      await this.pumping;
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
    this.erased = this.outcome;
    this.outcome = "erased";
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

  private async halt(): Promise<void> {
    this.abort.abort();
    await this.pumping;
    this.abort = new AbortController();
    this.trouble = undefined;
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
