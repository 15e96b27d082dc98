// A kernel with clips a, b, c, … that never shows what is to be left out, and keeps labels.

import replies from "../../tests/protocol_cases/replies.json";
import { Store } from "../src/store";
import { View } from "../src/view";
import { Kernel } from "./kernel";

const CARD = replies.find((reply) => reply.type === "similar")?.result.cards?.[0] as object;
export const STATUS = replies.find((reply) => reply.type === "hello")?.result.status as Record<
  string,
  unknown
>;
export const EVERY = Array.from({ length: 20 }, (_, i) => String.fromCharCode(97 + i));

interface Asked {
  readonly type: string;
  readonly exclude: string[];
  readonly k: number;
  readonly clips: string[];
  readonly value: string;
  readonly concept: string;
}

export class Shop extends Kernel {
  readonly stored = new Map<string, string>();
  status: Record<string, unknown> = STATUS;
  selection: object | null = null;

  constructor() {
    super();
    const golden = this.answer;
    this.answer = (message) => {
      const reply = golden(message) as { result: Record<string, unknown> };
      const asked = message as unknown as Asked;
      const result = { ...reply.result, ...this.special(asked) };
      if ("status" in result) result.status = this.status;
      return { ...reply, result };
    };
  }

  private special(asked: Asked): object {
    const { type, exclude, k, clips, value } = asked;
    if (type === "hello") return { selection: this.selection, labels: this.labelsOf(clips) };
    if (type === "feed") {
      const left = EVERY.filter((clip) => !exclude.includes(clip)).slice(0, k);
      return { cards: this.cards(left), version: this.status.version };
    }
    if (type === "search" || type === "similar") return { cards: this.cards(EVERY.slice(0, k)) };
    if (type === "review") return { clips: EVERY, cards: this.cards(EVERY.slice(0, k)) };
    if (type === "reviewed") return { cards: this.cards(clips) };
    if (type === "switch") {
      this.status = { ...this.status, concept: asked.concept, counts: { yes: 0, no: 0, unsure: 0 } };
      return {};
    }
    if (type === "label") {
      for (const clip of clips) this.stored.set(clip, value);
      return { labels: Object.fromEntries(clips.map((clip) => [clip, value === "none" ? null : value])) };
    }
    return {};
  }

  private labelsOf(clips: readonly string[]): Record<string, string | null> {
    return Object.fromEntries(clips.map((clip) => [clip, this.stored.get(clip) ?? null]));
  }

  private cards(clips: readonly string[]): object[] {
    return clips.map((clip) => ({ ...CARD, clip, label: this.stored.get(clip) ?? null }));
  }

  // A refit has made this version.
  refitted(version: number): void {
    this.status = { ...this.status, version };
    const data = { status: this.status, version, flipped: 1, seconds: 0.1 };
    this.tell({ v: 1, event: "refit", data });
  }
}

// A store with one view.
export function seen(kernel: Shop): Store {
  const store = new Store(kernel);
  store.attach();
  return store;
}

export async function opened(
  kernel = new Shop(),
  perPage = 4,
): Promise<{ kernel: Shop; store: Store; view: View }> {
  if (!kernel.kept.has("place")) kernel.kept.set("place", { tab: "search" });
  const store = seen(kernel);
  await store.open(perPage);
  return { kernel, store, view: new View(store) };
}

export const shown = (store: Store): string => store.clips.value.join("");
