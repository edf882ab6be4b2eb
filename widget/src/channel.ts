// Calls of the website channel (docs/api.yml). Every failure becomes a Trouble that says what kind
// it is.
import type { Clinic, Said, Turn } from "./types";

/**
 * Milliseconds after which an answer is given up; a resend with the same client_id then gets the
 * turn that was made meanwhile.
 */
const PATIENCE = 45_000;

export type TroubleKind = "offline" | "busy" | "unavailable" | "expired" | "refused" | "too_large";

export class Trouble extends Error {
  /** `broken`: the connection ended without an answer. */
  constructor(
    readonly kind: TroubleKind,
    readonly seconds = 0,
    readonly broken = false,
  ) {
    super(kind);
  }
}

/** Every other status is worth another try. */
const KINDS: Record<number, TroubleKind> = {
  400: "refused",
  401: "expired",
  404: "refused",
  413: "too_large",
  429: "busy",
};

export class Channel {
  constructor(private readonly base: string) {}

  clinic(): Promise<Clinic> {
    return this.call("GET", "clinic");
  }

  /** The question of a topic, or undefined where there is no such topic. */
  async question(topic: string): Promise<string | undefined> {
    try {
      return (await this.call<{ question: string }>("GET", `topics/${encodeURIComponent(topic)}`))
        .question;
    } catch (error) {
      if (error instanceof Trouble && error.kind === "refused") return undefined;
      throw error;
    }
  }

  open(locale: string): Promise<{ token: string; turn: Turn }> {
    return this.call("POST", "sessions", "", { locale });
  }

  /**
   * The turn that answers. A message whose connection broke is sent once more: its client_id sees
   * to it that it is answered once.
   */
  async say(
    token: string,
    message: { text?: string; choice?: string; client_id: string },
    signal: AbortSignal,
  ): Promise<Turn> {
    const send = () => this.call<{ turn: Turn }>("POST", "messages", token, message, signal);
    const { turn } = await send().catch((error) => {
      if (!error.broken || signal.aborted) throw error;
      return send();
    });
    return turn;
  }

  async history(token: string): Promise<Said[]> {
    return (await this.call<{ turns: Said[] }>("GET", "messages", token)).turns;
  }

  feedback(
    token: string,
    vote: { turn: string; topic: string | null; vote: string; comment?: string },
  ): Promise<void> {
    return this.call("POST", "feedback", token, vote);
  }

  /** When requests of the conversation had reached the clinic before, if any had. */
  erase(token: string): Promise<string | null> {
    return this.call("DELETE", "sessions", token);
  }

  private async call<Answer>(
    method: string,
    path: string,
    token = "",
    body?: unknown,
    signal?: AbortSignal,
  ): Promise<Answer> {
    const headers: Record<string, string> = {};
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body) headers["Content-Type"] = "application/json";
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), PATIENCE);
    signal?.addEventListener("abort", () => patience.abort());
    try {
      const answer = await fetch(this.base + path, {
        method,
        headers,
        body: body ? JSON.stringify(body) : undefined,
        signal: patience.signal,
        credentials: "omit",
        referrerPolicy: "no-referrer",
        cache: token ? "no-store" : "default",
      });
      if (answer.ok)
        return answer.status === 204
          ? (answer.headers.get("Delivered") as Answer)
          : await answer.json();
      const seconds = Number(answer.headers.get("Retry-After")) || 0;
      throw new Trouble(KINDS[answer.status] ?? "unavailable", seconds);
    } catch (error) {
      if (error instanceof Trouble) throw error;
      // A server that cannot be reached is no missing connection: then no `online` event would ever
      // come.
      throw new Trouble(
        navigator.onLine ? "unavailable" : "offline",
        0,
        navigator.onLine && !patience.signal.aborted && !(error instanceof SyntaxError),
      );
    } finally {
      clearTimeout(timer);
    }
  }
}
