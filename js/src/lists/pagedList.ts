// A list that is shown page by page: the pages that were opened, and the next one, fetched ahead. Cards on an open page
// never change; clips that a newer classifier chooses come as a further page.

import { computed, type Signal, signal } from "@preact/signals";
import type { Card } from "../kernel/protocol";

interface OfClip {
  readonly clip: string;
}

export interface Page<C extends OfClip = Card> {
  readonly cards: readonly C[];
  readonly source: string; // stored with each label that is given on this page
  readonly version: number; // of the classifier that chose the cards; 0: none did
  readonly note?: string; // how the clips are ranked, or why the result may be unreliable
  readonly isWarning?: boolean; // whether the note is the latter
}

export interface Progress<C extends OfClip = Card> {
  readonly pages: readonly Page<C>[];
  readonly index: number; // of the open page
  readonly ahead: Page<C> | null; // fetched, but not opened yet
  readonly loading: boolean;
  readonly ended: boolean;
  readonly start: string; // the clip that gets the focus when the open page is shown; "": its first one
}

const EMPTY = { pages: [], index: 0, ahead: null, loading: false, ended: false, start: "" };

// Returns `k` cards after `pages`, or null if the request failed.
export type Fetch<C extends OfClip = Card> = (
  pages: readonly Page<C>[],
  k: number,
) => Promise<Page<C> | null>;

// A list as it was left, to come back to.
export interface SavedList<C extends OfClip = Card> {
  readonly fetch: Fetch<C> | null;
  readonly progress: Progress<C>;
}

export class PagedList<C extends OfClip = Card> {
  readonly progress: Signal<Progress<C>> = signal<Progress<C>>(EMPTY);
  readonly page = computed<Page<C> | null>(
    () => this.progress.value.pages[this.progress.value.index] ?? null,
  );
  // How many clips of a newer classifier than the newest page's are ready.
  readonly fresh = computed(() => {
    const { ahead, pages } = this.progress.value;
    const newest = pages.at(-1);
    return ahead && newest && ahead.version > newest.version ? ahead.cards.length : 0;
  });
  // The open page is the last one.
  readonly isLast = computed(() => {
    const { ended, index, pages } = this.progress.value;
    return pages.length > 0 && ended && index + 1 >= pages.length;
  });
  #fetch: Fetch<C> | null = null;
  #generation = 0; // a result for an earlier one is discarded
  #request: Promise<Page<C> | null> | null = null; // for the page ahead
  #prefetchSkipped = false; // because no view was attached
  #resizeSkipped = false; // because a page was loading

  constructor(
    private readonly onCards: (cards: readonly C[]) => void,
    private readonly perPage: () => number = () => 12,
    private readonly isVisible: () => boolean = () => true,
  ) {}

  clear(): void {
    this.#generation += 1;
    this.#prefetchSkipped = false;
    this.#fetch = null;
    this.#request = null;
    this.progress.value = EMPTY;
  }

  async open(fetch: Fetch<C>): Promise<void> {
    this.clear();
    this.#fetch = fetch;
    await this.#load();
  }

  save(): SavedList<C> {
    return { fetch: this.#fetch, progress: { ...this.progress.value, loading: false, ahead: null } };
  }

  // Shows a list as it was left. `start` is the clip that gets the focus.
  restore({ fetch, progress }: SavedList<C>, start: string): void {
    this.clear();
    this.#fetch = fetch;
    this.progress.value = { ...progress, start };
    this.#prefetch();
  }

  // Divides the open page and what follows into pages of `perPage` cards, and fetches what the open one lacks. The pages
  // before it stay. `clip` has the focus.
  async resize(clip: string): Promise<void> {
    const { pages, index, loading } = this.progress.value;
    const open = pages[index];
    const size = this.perPage();
    this.#resizeSkipped = loading;
    if (!open || loading || open.cards.length === size) return;
    this.#generation += 1; // what was requested has the former size
    this.#request = null;
    const parts: Page<C>[] = [];
    for (let from = 0; from < Math.max(1, open.cards.length); from += size)
      parts.push({ ...open, cards: open.cards.slice(from, from + size) });
    const part = parts.findIndex(({ cards }) => cards.some((card) => card.clip === clip));
    const before = pages.slice(0, index);
    const divided = {
      pages: [...before, ...parts],
      index: index + Math.max(0, part),
      ahead: null,
      start: clip,
    };
    const missing = size - open.cards.length;
    this.progress.value = { ...divided, loading: missing > 0, ended: false };
    if (missing > 0) {
      const generation = this.#generation;
      const more = await this.#fetch?.(divided.pages, missing);
      if (this.#generation !== generation) return;
      const cards = [...open.cards, ...(more?.cards ?? [])];
      if (more) this.onCards(more.cards);
      this.progress.value = {
        ...this.progress.value,
        pages: [...before, { ...open, cards }],
        loading: false,
      };
    }
    this.#prefetch();
  }

  async next(): Promise<void> {
    const { index, pages, loading, ended } = this.progress.value;
    if (index + 1 < pages.length && this.fresh.value === 0) this.#goTo(index + 1);
    else if (!loading && !ended) await this.#load();
  }

  previous(): void {
    if (this.progress.value.index > 0) this.#goTo(this.progress.value.index - 1);
  }

  // The classifier has changed: fetches the page ahead again.
  refresh(): void {
    if (this.progress.value.pages.length > 0 && !this.progress.value.loading) this.#prefetch();
  }

  // A view is attached again: refreshes if the classifier is newer than the newest page, or a prefetch was skipped.
  catchUp(version: number): void {
    const { ahead, pages } = this.progress.value;
    const newest = ahead ?? pages.at(-1);
    if (this.#prefetchSkipped || (newest && newest.version < version)) this.refresh();
  }

  #goTo(index: number): void {
    this.progress.value = { ...this.progress.value, index, start: "" };
  }

  async #load(): Promise<void> {
    const fetch = this.#fetch;
    if (!fetch) return;
    const generation = this.#generation;
    let page = this.progress.value.ahead;
    if (this.#request || !page) {
      this.progress.value = { ...this.progress.value, loading: true };
      page = await (this.#request ?? fetch(this.progress.value.pages, this.perPage()));
      if (this.#generation !== generation) return;
      if (page) this.onCards(page.cards);
    }
    this.#request = null;
    const progress = this.progress.value;
    if (!page) {
      this.progress.value = { ...progress, loading: false };
      return;
    }
    const ended = page.cards.length === 0;
    const pages = ended && progress.pages.length > 0 ? progress.pages : [...progress.pages, page];
    this.progress.value = { pages, index: pages.length - 1, ahead: null, loading: false, ended, start: "" };
    if (this.#resizeSkipped) await this.resize("");
    else if (!ended) this.#prefetch();
  }

  #prefetch(): void {
    const fetch = this.#fetch;
    this.#prefetchSkipped = !this.isVisible();
    if (!fetch || this.#prefetchSkipped) return;
    const generation = this.#generation;
    const request = fetch(this.progress.value.pages, this.perPage());
    this.#request = request;
    void request.then((page) => {
      if (this.#generation !== generation || this.#request !== request || this.progress.value.loading) return;
      this.#request = null;
      if (page) this.onCards(page.cards);
      if (page) this.progress.value = { ...this.progress.value, ahead: page, ended: page.cards.length === 0 };
    });
  }
}
