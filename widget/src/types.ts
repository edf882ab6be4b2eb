// The channel's data as docs/api.yml describes it.
export type Role = "answer" | "caveat" | "caution" | "triage" | "question" | "notice";
export type Urgency = "none" | "expected" | "contact_clinic" | "same_day" | "emergency";

/**
 * `level` is how urgent a triage message is by itself, `language` what a reply in another language
 * than English is written in.
 */
export interface Message {
  role: Role;
  topic?: string | null;
  text: string;
  level?: Urgency;
  language?: string;
}
export interface Choice {
  id: string;
  title: string;
  topic?: string | null;
}
export interface Source {
  id: string;
  title: string;
  publisher: string;
  year?: number | null;
  url?: string | null;
}
export interface Turn {
  id: string;
  kind: string;
  topics: string[];
  urgency: Urgency;
  cautions: string[];
  messages: Message[];
  choices: Choice[];
  sources: Source[];
  reviewed_on?: string | null;
}
export type Said = { from: "visitor"; text: string } | { from: "assistant"; turn: Turn };

/** A telephone number as it is written in texts, and as it is dialled. */
export interface Dial {
  text: string;
  tel: string;
}
export interface Clinic {
  name: string;
  assistant_name: string;
  phone: Dial;
  emergency_number: string;
  numbers: Dial[];
  notice: string;
  retention_days: number;
  characters: number;
  email?: string | null;
  hours: { days: string; times: string }[];
  booking_link?: string | null;
  privacy_link?: string | null;
}

/** What the script tag says; all of it optional. */
export interface Options {
  color?: string;
  theme?: string;
  lang?: string;
  dir?: string;
  label?: string;
  phone?: string;
  side?: string;
}

/** What the launcher hands to the panel. */
export interface Mount {
  host: HTMLElement;
  root: ShadowRoot;
  launcher: HTMLButtonElement;
  base: string;
  key: string;
  options: Options;
}
export interface Panel {
  open(focus: boolean): void;
  close(): void;
  ask(topic: string): void;
  readonly isOpen: boolean;
}
