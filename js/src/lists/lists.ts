// The lists of the three tabs, and which clips the open tab shows.

import { computed, signal } from "@preact/signals";
import type { Media } from "../kernel/media";
import type { Card } from "../kernel/protocol";
import type { AnnotatorState } from "../state/annotatorState";
import type { ShownLabels } from "../state/labels";
import type { Remarks } from "../state/remarks";
import type { Requester } from "../state/requester";
import { feedToShow } from "./feeds";
import { fetchCards } from "./fetchers";
import { type Page, PagedList } from "./pagedList";
import { sharedParts } from "./reasons";
import { ReviewList } from "./reviewList";
import { timeRange } from "./time";

export class Lists {
  readonly search: PagedList; // results of a search, similar clips, or a selection
  readonly feeds: PagedList;
  readonly review: ReviewList;
  readonly perPage = signal(12); // cards on a page
  readonly #names = new Map<string, string>(); // of all clips whose cards have come

  constructor(
    private readonly state: AnnotatorState,
    private readonly labels: ShownLabels,
    readonly remarks: Remarks,
    private readonly media: Media,
    private readonly requester: Requester,
  ) {
    const isVisible = () => state.isVisible;
    const perPage = () => this.perPage.value;
    this.search = new PagedList(this.#onCards, perPage, isVisible);
    this.feeds = new PagedList(this.#onCards, perPage, isVisible);
    this.review = new ReviewList(
      (clips) => fetchCards(requester, state.viewState.value.annotator, clips),
      this.#onCards,
    );
  }

  // The name of the feed that the feeds tab shows.
  readonly feed = computed(() => {
    const { feed } = this.state.viewState.value;
    return this.state.status.value ? feedToShow(feed, this.state.status.value) : feed;
  });
  // The list of the open tab; null in review, which has no pages.
  readonly openList = computed<PagedList | null>(() => {
    const { tab } = this.state.viewState.value;
    if (tab === "review") return null;
    return tab === "feeds" ? this.feeds : this.search;
  });
  readonly page = computed<Page | null>(() => this.openList.value?.page.value ?? null);
  readonly #reviewedClips = computed(() =>
    this.state.viewState.value.tab === "review" ? this.review.content.value.clips : [],
  );
  // The clips that the open tab shows.
  readonly clips = computed<readonly string[]>(
    () => this.page.value?.cards.map((card) => card.clip) ?? this.#reviewedClips.value,
  );
  // The parts of the reasons that all clips of the page have.
  readonly sharedReasons = computed<readonly string[]>(() => {
    const { cards, source } = this.page.value ?? { cards: [], source: "" };
    return source === "sorted" ? [] : sharedParts(cards.map((card) => card.reason));
  });
  readonly loading = computed(
    () => this.openList.value?.progress.value.loading ?? this.review.content.value.loading,
  );

  // The card of a shown clip; undefined while it is loading.
  card(clip: string): Card | undefined {
    const page = this.page.value;
    return page ? page.cards.find((card) => card.clip === clip) : this.review.content.value.cards.get(clip);
  }

  // The video and time of a clip whose card has come.
  nameOf(clip: string): string {
    return this.#names.get(clip) ?? "";
  }

  // Which clip this is, in words, for one that the open page does not show: its video and time, and on which other page
  // it is, if it is on one.
  async describe(clip: string): Promise<string> {
    if (!this.#names.has(clip)) this.#takeNames((await fetchCards(this.requester, "", [clip])) ?? []);
    const name = this.nameOf(clip);
    for (const list of [this.openList.value, this.feeds, this.search]) {
      const { pages } = list?.progress.value ?? { pages: [] };
      const index = pages.findIndex(({ cards }) => cards.some((card) => card.clip === clip));
      if (index < 0) continue;
      const tab = list === this.openList.value ? "" : list === this.feeds ? " of Feeds" : " of Search";
      return `${name}, on page ${index + 1}${tab}`;
    }
    return name;
  }

  // What is stored with a label as the place where it was given.
  get source(): string {
    return this.page.value?.source ?? this.state.viewState.value.tab;
  }

  async next(): Promise<void> {
    await this.openList.value?.next();
  }

  previous(): void {
    this.openList.value?.previous();
  }

  // Gives the pages as many cards as the user wants by now. `clip` has the focus.
  async resize(clip: string): Promise<void> {
    await Promise.all([this.search.resize(clip), this.feeds.resize(clip)]);
  }

  clear(): void {
    for (const list of [this.search, this.feeds, this.review]) list.clear();
  }

  // Takes over the labels that the cards carry, and requests their filmstrips.
  readonly #onCards = (cards: readonly Card[]): void => {
    this.labels.apply(Object.fromEntries(cards.map((card) => [card.clip, card.label])));
    this.remarks.apply(cards);
    this.#takeNames(cards);
    if (!this.state.isVisible) return; // a view requests the filmstrips that it draws
    for (const card of cards) this.media.filmstrip(card.clip);
    this.media.requestQueued(); // before the next page is requested, which takes the kernel longer
  };

  #takeNames(cards: readonly Card[]): void {
    for (const card of cards)
      this.#names.set(card.clip, [card.video, timeRange(card)].filter(Boolean).join(" "));
  }
}
