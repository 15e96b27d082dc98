// The pages of one list that the person has seen, and the one that comes next. What is on a page never changes under
// the eyes: fresh clips come as a further page, fetched ahead.

import { computed, type Signal, signal } from "@preact/signals";
import type { Card } from "./protocol";

export interface Found {
  readonly cards: readonly Card[];
  readonly source: string; // what a label given on this page is stored under
  readonly version: number; // the classifier that chose it
  readonly note?: string; // what speaks against relying on it
}

export interface Deck {
  readonly pages: readonly Found[];
  readonly index: number;
  readonly ahead: Found | null;
  readonly loading: boolean;
  readonly ended: boolean;
}

const EMPTY: Deck = { pages: [], index: 0, ahead: null, loading: false, ended: false };

export type Fetch = (pages: readonly Found[]) => Promise<Found | null>;

export class Pages {
  readonly deck: Signal<Deck> = signal(EMPTY);
  readonly page = computed<Found | null>(() => this.deck.value.pages[this.deck.value.index] ?? null);
  // How many clips another classifier has ready than the one that chose the newest page.
  readonly fresh = computed(() => {
    const { ahead, pages } = this.deck.value;
    const newest = pages.at(-1);
    return ahead && newest && ahead.version > newest.version ? ahead.cards.length : 0;
  });
  private fetch: Fetch | null = null;
  private turn = 0; // of the list: what was asked for another one comes too late
  private coming: Promise<Found | null> | null = null;
  private behind = false; // something was not fetched ahead because nobody was looking

  constructor(
    private readonly onCards: (cards: readonly Card[]) => void,
    private readonly seen: () => boolean = () => true,
  ) {}

  clear(): void {
    this.turn += 1;
    this.behind = false;
    this.fetch = null;
    this.coming = null;
    this.deck.value = EMPTY;
  }

  async open(fetch: Fetch): Promise<void> {
    this.clear();
    this.fetch = fetch;
    await this.load();
  }

  async next(): Promise<void> {
    const deck = this.deck.value;
    if (deck.index + 1 < deck.pages.length && this.fresh.value === 0) this.turnTo(deck.index + 1);
    else if (!deck.loading && !deck.ended) await this.load();
  }

  previous(): void {
    if (this.deck.value.index > 0) this.turnTo(this.deck.value.index - 1);
  }

  // The classifier has changed: what was fetched ahead is out of date.
  refresh(): void {
    if (this.deck.value.pages.length > 0 && !this.deck.value.loading) this.prefetch();
  }

  // Somebody looks again, and the classifier has this version now.
  catchUp(version: number): void {
    const { ahead, pages } = this.deck.value;
    const newest = ahead ?? pages.at(-1);
    if (this.behind || (newest && newest.version < version)) this.refresh();
  }

  private turnTo(index: number): void {
    this.deck.value = { ...this.deck.value, index };
  }

  private async load(): Promise<void> {
    const fetch = this.fetch;
    if (!fetch) return;
    const turn = this.turn;
    let found = this.deck.value.ahead;
    if (this.coming || !found) {
      this.deck.value = { ...this.deck.value, loading: true };
      found = await (this.coming ?? fetch(this.deck.value.pages));
      if (this.turn !== turn) return;
      if (found) this.onCards(found.cards);
    }
    this.coming = null;
    const deck = this.deck.value;
    if (!found) {
      this.deck.value = { ...deck, loading: false };
      return;
    }
    const ended = found.cards.length === 0;
    const pages = ended && deck.pages.length > 0 ? deck.pages : [...deck.pages, found];
    this.deck.value = { pages, index: pages.length - 1, ahead: null, loading: false, ended };
    if (!ended) this.prefetch();
  }

  private prefetch(): void {
    const fetch = this.fetch;
    this.behind = !this.seen();
    if (!fetch || this.behind) return;
    const turn = this.turn;
    const coming = fetch(this.deck.value.pages);
    this.coming = coming;
    void coming.then((found) => {
      if (this.turn !== turn || this.coming !== coming || this.deck.value.loading) return;
      this.coming = null;
      if (found) this.onCards(found.cards);
      if (found) this.deck.value = { ...this.deck.value, ahead: found, ended: found.cards.length === 0 };
    });
  }
}
