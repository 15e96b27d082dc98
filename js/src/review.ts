// All labelled clips as one list: the ids in order once, the cards as they come into sight. A label that changes here
// keeps its place.

import { type Signal, signal } from "@preact/signals";
import type { Card } from "./protocol";

const CHUNK = 60;

export interface Listed {
  readonly clips: readonly string[];
  readonly cards: ReadonlyMap<string, Card>;
  readonly loading: boolean;
}

const EMPTY: Listed = { clips: [], cards: new Map(), loading: false };

export class Review {
  readonly list: Signal<Listed> = signal(EMPTY);
  private turn = 0;
  private readonly asked = new Set<number>();

  constructor(
    private readonly more: (clips: string[]) => Promise<readonly Card[] | null>,
    private readonly onCards: (cards: readonly Card[]) => void,
  ) {}

  clear(): void {
    this.turn += 1;
    this.asked.clear();
    this.list.value = EMPTY;
  }

  async open(fetch: (k: number) => Promise<{ clips: string[]; cards: Card[] } | null>): Promise<void> {
    this.clear();
    const turn = this.turn;
    this.list.value = { ...EMPTY, loading: true };
    const found = await fetch(CHUNK);
    if (this.turn !== turn) return;
    this.asked.add(0);
    this.onCards(found?.cards ?? []);
    const cards = new Map((found?.cards ?? []).map((card) => [card.clip, card]));
    this.list.value = { clips: found?.clips ?? [], cards, loading: false };
  }

  // The cards from one place to another are in sight, or will soon be.
  need(from: number, to: number): void {
    for (let chunk = Math.floor(from / CHUNK); chunk * CHUNK < to; chunk++) {
      if (!this.asked.has(chunk)) void this.load(chunk);
    }
  }

  private async load(chunk: number): Promise<void> {
    const clips = this.list.value.clips.slice(chunk * CHUNK, (chunk + 1) * CHUNK);
    if (clips.length === 0) return;
    this.asked.add(chunk);
    const turn = this.turn;
    const found = await this.more(clips);
    if (this.turn !== turn) return;
    if (!found) {
      this.asked.delete(chunk);
      return;
    }
    this.onCards(found);
    const cards = new Map(this.list.value.cards);
    for (const card of found) cards.set(card.clip, card);
    this.list.value = { ...this.list.value, cards };
  }
}
