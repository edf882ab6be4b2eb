// What outlives a page: kept in this tab's sessionStorage, or nowhere when the browser forbids it.
import type { Clinic } from "./types";

/**
 * A message that has no answer yet. `text` of a choice is its title, for a conversation that no
 * longer knows its id.
 */
export interface Pending {
  client_id: string;
  text: string;
  choice?: string;
}

export interface Kept {
  token?: string;
  /** Tokens of conversations that a restart left behind: a deletion reaches them too. */
  left?: string[];
  /** The clinic's card, so that its phone is there while the server is not. */
  clinic?: Clinic;
  consent?: boolean;
  pending?: Pending[];
  votes?: Record<string, "up" | "down">;
  draft?: string;
}

export class Memory {
  constructor(private readonly key: string) {}

  read(): Kept {
    try {
      const kept = JSON.parse(sessionStorage.getItem(this.key) ?? "{}");
      return kept && typeof kept === "object" ? kept : {};
    } catch {
      return {};
    }
  }

  write(kept: Kept): void {
    try {
      sessionStorage.setItem(this.key, JSON.stringify(kept));
    } catch {
      // No storage: the conversation lasts as long as the page.
    }
  }

  forget(): void {
    try {
      sessionStorage.removeItem(this.key);
    } catch {
      // As above.
    }
  }

  /** Whether the panel is open, for the next page; the launcher reads it. */
  set open(open: boolean) {
    try {
      sessionStorage.setItem(`${this.key} open`, open ? "1" : "0");
    } catch {
      // As above.
    }
  }
}
