// All labelled clips as one long list: all ids at once, the cards in chunks as they are scrolled into view. A clip whose
// label changes keeps its position.

import { type Signal, signal } from "@preact/signals";
import type { Card } from "../kernel/protocol";

const CHUNK = 60; // cards in one request

export interface Content {
  readonly clips: readonly string[];
  readonly cards: ReadonlyMap<string, Card>;
  readonly loading: boolean;
}

const EMPTY: Content = { clips: [], cards: new Map(), loading: false };

export class ReviewList {
  readonly content: Signal<Content> = signal(EMPTY);
  #generation = 0; // a result for an earlier one is discarded
  readonly #requested = new Set<number>(); // chunks

  constructor(
    private readonly fetchCards: (clips: string[]) => Promise<readonly Card[] | null>,
    private readonly onCards: (cards: readonly Card[]) => void,
  ) {}

  clear(): void {
    this.#generation += 1;
    this.#requested.clear();
    this.content.value = EMPTY;
  }

  // `fetch` returns all clips and the cards of the first k.
  async open(fetch: (k: number) => Promise<{ clips: string[]; cards: Card[] } | null>): Promise<void> {
    this.clear();
    const generation = this.#generation;
    this.content.value = { ...EMPTY, loading: true };
    const { clips, cards } = (await fetch(CHUNK)) ?? { clips: [], cards: [] };
    if (this.#generation !== generation) return;
    this.#requested.add(0);
    this.onCards(cards);
    this.content.value = { clips, cards: new Map(cards.map((card) => [card.clip, card])), loading: false };
  }

  // Loads the cards from position `from` up to position `to`, as far as they are missing.
  load(from: number, to: number): void {
    for (let chunk = Math.floor(from / CHUNK); chunk * CHUNK < to; chunk++) {
      if (!this.#requested.has(chunk)) void this.#loadChunk(chunk);
    }
  }

  async #loadChunk(chunk: number): Promise<void> {
    const clips = this.content.value.clips.slice(chunk * CHUNK, (chunk + 1) * CHUNK);
    if (clips.length === 0) return;
    this.#requested.add(chunk);
    const generation = this.#generation;
    const loaded = await this.fetchCards(clips);
    if (this.#generation !== generation) return;
    if (!loaded) {
      this.#requested.delete(chunk);
      return;
    }
    this.onCards(loaded);
    const cards = new Map(this.content.value.cards);
    for (const card of loaded) cards.set(card.clip, card);
    this.content.value = { ...this.content.value, cards };
  }
}
