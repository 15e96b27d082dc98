// What the annotator knows: one store a model, shared by its views, and what only one view needs.

import { computed, type Signal, signal } from "@preact/signals";
import { Client, type Model } from "./client";
import { type Move, moved } from "./keys";
import { Media } from "./media";
import type {
  Card,
  Event,
  Labels,
  Requests,
  RequestType,
  ReviewOrder,
  ReviewValue,
  Status,
  Stored,
  Value,
} from "./protocol";

export type Tab = "search" | "feeds" | "review";
export type Size = "s" | "m" | "l";

export interface Place {
  readonly tab: Tab;
  readonly feed: string;
  readonly query: string;
  readonly size: Size;
  readonly review: ReviewValue;
}

// The pages of one list that the person has seen. What is on a page never changes under the eyes: fresh clips come
// as a further page.
export interface Deck {
  readonly pages: readonly (readonly Card[])[];
  readonly index: number;
  readonly source: string; // what a label given here is stored under
  readonly version: number; // the classifier that chose the last page
  readonly total: number | null;
  readonly loading: boolean;
  readonly ended: boolean;
}

const EMPTY: Deck = {
  pages: [],
  index: 0,
  source: "",
  version: -1,
  total: null,
  loading: false,
  ended: false,
};
const LONGEST_EXCLUDE = 2000;
const LONGEST_SEARCH = 200;

const one = <T extends string>(value: unknown, values: readonly T[], otherwise: T): T =>
  values.find((known) => known === value) ?? otherwise;

export function readPlace(kept: unknown): Place {
  const place = (typeof kept === "object" && kept !== null ? kept : {}) as Record<string, unknown>;
  return {
    tab: one(place.tab, ["search", "feeds", "review"], "search"),
    feed: typeof place.feed === "string" ? place.feed : "",
    query: typeof place.query === "string" ? place.query : "",
    size: one(place.size, ["s", "m", "l"], "m"),
    review: one(place.review, ["all", "yes", "no", "unsure"], "all"),
  };
}

export class Store {
  readonly client: Client;
  readonly media: Media;
  readonly status: Signal<Status | null> = signal(null);
  readonly place: Signal<Place>;
  readonly order: Signal<ReviewOrder> = signal("suspicion");
  readonly labels: Signal<ReadonlyMap<string, Value | null>> = signal(new Map());
  readonly decks: Readonly<Record<Tab, Signal<Deck>>> = {
    search: signal(EMPTY),
    feeds: signal(EMPTY),
    review: signal(EMPTY),
  };
  readonly busy = signal(false);
  readonly saving = signal(0);
  readonly error = signal("");
  readonly notice = signal("");
  readonly looking = signal(""); // the clip whose likes the search tab shows
  readonly perPage = signal(12);

  readonly deck = computed(() => this.decks[this.place.value.tab].value);
  readonly cards = computed<readonly Card[]>(() => this.deck.value.pages[this.deck.value.index] ?? []);
  // A refit has brought other clips than those on the page.
  readonly fresh = computed(() => {
    const deck = this.decks.feeds.value;
    return deck.pages.length > 0 && !deck.loading && (this.status.value?.version ?? 0) > deck.version;
  });

  private opened = false;
  private readonly asked: Record<Tab, number> = { search: 0, feeds: 0, review: 0 };

  constructor(private readonly model: Model) {
    this.place = signal(readPlace(model.get("place")));
    this.client = new Client(model, this.heard, (busy) => {
      this.busy.value = busy;
    });
    this.media = new Media(this.client);
  }

  close(): void {
    this.client.close();
    this.media.close();
  }

  // Called by a view once it knows how many cards fit. The first one brings the page back to where it was.
  async open(perPage: number): Promise<void> {
    this.perPage.value = perPage;
    if (this.opened) return;
    this.opened = true;
    const reply = await this.ask("hello", {});
    if (!reply) {
      this.opened = false;
      return;
    }
    const status = reply.result.status;
    this.status.value = status;
    const { tab, feed, query } = this.place.value;
    const kept = status.feeds.includes(feed) ? feed : (status.feeds[0] ?? "");
    const first = tab === "search" && !status.searchable ? "feeds" : tab;
    this.move({ tab: first, feed: kept, query: query || status.concept });
    await this.show(first);
  }

  // --- where the person is ---------------------------------------------------------------------

  private move(change: Partial<Place>): void {
    const place = { ...this.place.value, ...change };
    this.place.value = place;
    this.model.set("place", place);
    this.model.save_changes();
  }

  async tab(tab: Tab): Promise<void> {
    this.move({ tab });
    // Review is about what has been labelled by now; the other pages stay as they were left.
    if (tab === "review" || this.decks[tab].value.pages.length === 0) await this.show(tab);
  }

  async feed(name: string): Promise<void> {
    this.move({ tab: "feeds", feed: name });
    await this.show("feeds");
  }

  async search(text: string): Promise<void> {
    const query = text.trim();
    if (!query) return;
    this.looking.value = "";
    this.move({ tab: "search", query });
    await this.show("search");
  }

  async similar(clip: string): Promise<void> {
    this.looking.value = clip;
    this.move({ tab: "search" });
    await this.show("search");
  }

  async review(change: { review?: ReviewValue; order?: ReviewOrder }): Promise<void> {
    if (change.order) this.order.value = change.order;
    this.move(change.review ? { tab: "review", review: change.review } : { tab: "review" });
    await this.show("review");
  }

  size(size: Size): void {
    this.move({ size });
  }

  // --- pages -----------------------------------------------------------------------------------

  private async show(tab: Tab): Promise<void> {
    this.decks[tab].value = EMPTY;
    await this.load(tab);
  }

  async next(): Promise<void> {
    const { tab } = this.place.value;
    const deck = this.decks[tab].value;
    if (deck.index + 1 < deck.pages.length && !(tab === "feeds" && this.fresh.value)) {
      this.decks[tab].value = { ...deck, index: deck.index + 1 };
    } else if (!deck.loading && !deck.ended) await this.load(tab);
  }

  previous(): void {
    const { tab } = this.place.value;
    const deck = this.decks[tab].value;
    if (deck.index > 0) this.decks[tab].value = { ...deck, index: deck.index - 1 };
  }

  private async load(tab: Tab): Promise<void> {
    this.asked[tab] += 1;
    const turn = this.asked[tab];
    this.decks[tab].value = { ...this.decks[tab].value, loading: true };
    const found = await this.page(tab);
    if (this.asked[tab] !== turn) return; // the person has asked for something else meanwhile
    const deck = this.decks[tab].value;
    if (!found) {
      this.decks[tab].value = { ...deck, loading: false };
      return;
    }
    const labels = new Map(this.labels.value);
    for (const card of found.cards) labels.set(card.clip, card.label);
    this.labels.value = labels;
    const ended = found.cards.length === 0;
    const pages = ended && deck.pages.length > 0 ? deck.pages : [...deck.pages, found.cards];
    const { source, version, total } = found;
    this.decks[tab].value = {
      pages,
      index: pages.length - 1,
      source,
      version,
      total,
      loading: false,
      ended,
    };
  }

  private async page(
    tab: Tab,
  ): Promise<{ cards: readonly Card[]; source: string; version: number; total: number | null } | null> {
    const deck = this.decks[tab].value;
    const k = this.perPage.value;
    const seen = deck.pages.flat();
    const { feed: name, query, review: value } = this.place.value;
    if (tab === "feeds") {
      // A newer classifier starts over, but not with what was on the page just now.
      const version = this.status.value?.version ?? 0;
      const shown = version > deck.version ? (deck.pages.at(-1) ?? []) : seen;
      const exclude = shown.map((card) => card.clip).slice(-LONGEST_EXCLUDE);
      const reply = await this.ask("feed", { name, k, exclude });
      return reply && { ...reply.result, source: name, total: null };
    }
    if (tab === "review") {
      const offset = seen.length;
      const reply = await this.ask("review", { value, order: this.order.value, offset, k });
      return reply && { cards: reply.result.cards, total: reply.result.total, source: "review", version: 0 };
    }
    const clip = this.looking.value;
    const all = Math.min(LONGEST_SEARCH, seen.length + k);
    const reply = clip
      ? await this.ask("similar", { clip, k: all })
      : await this.ask("search", { text: query, k: all });
    if (!reply) return null;
    if ("status" in reply.result) this.status.value = reply.result.status;
    const cards = reply.result.cards.slice(seen.length);
    return { cards, source: clip ? "similar" : "search", version: 0, total: null };
  }

  // --- labels ----------------------------------------------------------------------------------

  // A pressed button pressed again takes its label back.
  toggle(clip: string, value: Value): Promise<void> {
    return this.label([clip], this.labels.value.get(clip) === value ? null : value);
  }

  // Shows the label at once and saves it; if it cannot be saved it is taken back and the reason is shown.
  async label(clips: readonly string[], shown: Value | null): Promise<void> {
    if (clips.length === 0) return;
    const before = this.labels.value;
    const stored: Stored = shown ?? "none";
    this.apply(Object.fromEntries(clips.map((clip) => [clip, shown])));
    const source = this.deck.value.source || this.place.value.tab;
    await this.change("label", { clips: [...clips], value: stored, source }, () => {
      const now = this.labels.value;
      const ours = clips.filter((clip) => now.get(clip) === shown);
      this.apply(Object.fromEntries(ours.map((clip) => [clip, before.get(clip) ?? null])));
    });
  }

  undo(): Promise<void> {
    return this.change("undo", {}, () => undefined);
  }

  redo(): Promise<void> {
    return this.change("redo", {}, () => undefined);
  }

  async guideline(text: string): Promise<void> {
    const reply = await this.ask("guideline", { text });
    if (reply) this.status.value = reply.result.status;
  }

  private async change<T extends "label" | "undo" | "redo">(
    type: T,
    payload: Requests[T]["with"],
    rollBack: () => void,
  ): Promise<void> {
    this.saving.value += 1;
    const reply = await this.ask(type, payload);
    this.saving.value -= 1;
    if (!reply) {
      rollBack();
      return;
    }
    // Later clicks of the person count more than an answer to an earlier one.
    if (this.saving.value === 0 || type !== "label") this.apply(reply.result.labels);
    this.status.value = reply.result.status;
    if (type !== "label") {
      const number = Object.keys(reply.result.labels).length;
      const did = type === "undo" ? "undone" : "done again";
      const clips = number === 1 ? "1 label" : `${number} labels`;
      this.notice.value = number === 0 ? `nothing to ${type}` : `${clips} ${did}`;
    } else this.notice.value = "";
  }

  private apply(labels: Labels): void {
    const all = new Map(this.labels.value);
    for (const [clip, value] of Object.entries(labels)) all.set(clip, value);
    this.labels.value = all;
  }

  private readonly heard = (event: Event): void => {
    this.status.value = event.data.status;
    // While own labels are under way the page already shows what they will be.
    if (event.event === "labels" && this.saving.value === 0) this.apply(event.data.labels);
  };

  private async ask<T extends RequestType>(type: T, payload: Requests[T]["with"]) {
    try {
      const reply = await this.client.request(type, payload);
      this.error.value = "";
      return reply;
    } catch (error) {
      this.error.value = error instanceof Error ? error.message : String(error);
      return null;
    }
  }
}

// What only one view needs: the card under the keyboard, the range, the card that plays.
export class View {
  readonly focus = signal(0);
  readonly anchor: Signal<number | null> = signal(null);
  readonly playing = signal("");
  readonly help = signal(false);
  readonly asking = signal(false); // "is the rest of the page no?" is on the screen
  readonly columns = signal(4);
  private trusted = false; // it has been answered once

  constructor(readonly store: Store) {}

  readonly selected = computed<ReadonlySet<number>>(() => {
    const anchor = this.anchor.value;
    if (anchor === null) return new Set<number>();
    const [low, high] = [Math.min(anchor, this.focus.value), Math.max(anchor, this.focus.value)];
    return new Set(Array.from({ length: high - low + 1 }, (_, i) => low + i));
  });

  move(to: Move, extend: boolean): void {
    const from = this.focus.value;
    if (extend) this.anchor.value ??= from;
    else this.anchor.value = null;
    this.focus.value = moved(from, to, this.store.cards.value.length, this.columns.value);
  }

  pick(index: number, extend: boolean): void {
    if (extend) this.anchor.value ??= this.focus.value;
    else this.anchor.value = null;
    this.focus.value = index;
  }

  // A new page begins at its first card.
  restart(): void {
    this.focus.value = 0;
    this.anchor.value = null;
    this.playing.value = "";
    this.asking.value = false;
  }

  // Labels the range, or the card under the keyboard, and goes on to the next one.
  label(value: Value): void {
    const cards = this.store.cards.value;
    const range = this.selected.value.size > 0 ? [...this.selected.value] : [this.focus.value];
    const clips = range.flatMap((index) => cards[index]?.clip ?? []);
    void this.store.label(clips, value);
    this.anchor.value = null;
    this.focus.value = Math.min(cards.length - 1, Math.max(...range) + 1);
  }

  get rest(): readonly string[] {
    const labels = this.store.labels.value;
    return this.store.cards.value.map((card) => card.clip).filter((clip) => !labels.get(clip));
  }

  // Enter: the rest of the page is no, then the next page. The first time it asks.
  enter(): void {
    const rest = this.rest;
    if (rest.length > 0 && this.store.place.value.tab !== "review" && !this.trusted && !this.asking.value) {
      this.asking.value = true;
      return;
    }
    this.trusted ||= this.asking.value;
    this.asking.value = false;
    if (rest.length > 0 && this.store.place.value.tab !== "review") void this.store.label(rest, "no");
    void this.store.next();
  }

  skip(): void {
    this.asking.value = false;
    void this.store.next();
  }

  escape(): void {
    if (this.help.value) this.help.value = false;
    else if (this.asking.value) this.asking.value = false;
    else if (this.playing.value) this.playing.value = "";
    else this.anchor.value = null;
  }
}
