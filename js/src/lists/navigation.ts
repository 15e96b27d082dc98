// Where the user goes: tabs, feeds, searches, similar clips, selections, review. Each opens a list and loads it.

import { type Signal, signal } from "@preact/signals";
import type { Likeness, MotionFilter, ReviewOrder, ReviewValue, Selection, Status } from "../kernel/protocol";
import type { AnnotatorState } from "../state/annotatorState";
import type { Requester } from "../state/requester";
import type { Tab, ViewState } from "../state/viewState";
import { counted } from "../words";
import { givenFeed, hasBothClasses } from "./feeds";
import { fetchFeed, fetchReview, fetchSearch, fetchSelection, fetchSimilar, fetchSorted } from "./fetchers";
import type { Lists } from "./lists";
import type { SavedList } from "./pagedList";

const LONGEST_TRAIL = 20;

// From where similar clips were opened.
interface Origin {
  readonly tab: Tab;
  readonly clip: string; // to which they are similar
  readonly search: SavedList; // what the search tab showed, and instead of what search
  readonly similarTo: string;
  readonly selection: Selection | null;
}

export class Navigation {
  readonly similarTo = signal(""); // the clip whose similar clips the search tab shows, instead of a search
  readonly selection: Signal<Selection | null> = signal(null); // what the search tab shows instead of a search
  readonly tags: Signal<readonly string[]> = signal([]); // that anybody has given to clips, as of the latest review
  readonly annotators: Signal<readonly string[]> = signal([]); // who has given labels, as of the latest review
  outdated = false; // the open tab's list has to be loaded once a view is attached
  #trail: readonly Origin[] = []; // from where each list of similar clips was opened, the latest one last

  constructor(
    private readonly state: AnnotatorState,
    private readonly requester: Requester,
    private readonly lists: Lists,
  ) {}

  async openTab(tab: Tab): Promise<void> {
    this.state.updateViewState({ tab });
    // The search and a feed stay as they were left; the review lists what is labelled by now.
    const page = this.lists.page.value;
    const isLoaded = page !== null && (tab === "search" || page.source === this.lists.feed.value);
    if (!isLoaded) await this.load();
  }

  async openFeed(name: string): Promise<void> {
    if (!this.state.status.value?.feeds.includes(name)) return;
    await this.goTo({ tab: "feeds", feed: name });
  }

  async openSearch(text: string): Promise<void> {
    const query = text.trim();
    if (!query) return;
    this.#trail = [];
    this.#showInstead("", null);
    await this.goTo({ tab: "search", query, number: "" });
  }

  async openSimilar(clip: string): Promise<void> {
    const { tab } = this.state.viewState.value;
    const search = this.lists.search.save();
    const origin = { tab, clip, search, similarTo: this.similarTo.value, selection: this.selection.value };
    this.#trail = [...this.#trail, origin].slice(-LONGEST_TRAIL);
    this.#showInstead(clip, null);
    await this.goTo({ tab: "search" });
  }

  // Goes back to where the similar clips were opened. Their clip gets the focus, unless it was in review.
  async leaveSimilar(): Promise<void> {
    const origin = this.#trail.at(-1);
    if (!origin) return;
    const { tab, clip, search, similarTo, selection } = origin;
    this.#trail = this.#trail.slice(0, -1);
    this.#showInstead(similarTo, selection);
    if (tab === "feeds") this.lists.feeds.restore(this.lists.feeds.save(), clip);
    this.lists.search.restore(search, clip);
    await this.openTab(tab);
  }

  // Whether the search shows clips that have a label, too.
  async showLabelled(labelled: boolean): Promise<void> {
    await this.goTo({ tab: "search", labelled });
  }

  // Whether the search shows only clips in which the camera moves, or does not.
  async showMotion(motion: MotionFilter): Promise<void> {
    await this.goTo({ tab: "search", motion });
  }

  // Shows all clips in the order of a number instead of a search; the search again for "".
  async showSorted(number: string, lowest: boolean): Promise<void> {
    this.#trail = [];
    this.#showInstead("", null);
    await this.goTo({ tab: "search", number, lowest });
  }

  // In what the clips that are shown instead of a search are like their clip.
  async showLikeness(likeness: Likeness): Promise<void> {
    await this.goTo({ tab: "search", likeness });
  }

  async openSelection(selection: Selection): Promise<void> {
    this.#trail = [];
    this.#showInstead("", selection);
    this.state.announce(`${selection.title}: ${counted(selection.clips.length, "clip")}`, false);
    await this.goTo({ tab: "search" });
  }

  async openReview(filters: {
    review?: ReviewValue;
    order?: ReviewOrder;
    annotator?: string;
    tag?: string;
  }): Promise<void> {
    await this.goTo({ tab: "review", ...filters });
  }

  // Empties all lists: another concept is open.
  reset(): void {
    this.lists.clear();
    this.#trail = [];
    this.#showInstead("", null);
  }

  // Saves where the user goes, and loads its list.
  async goTo(change: Partial<ViewState>): Promise<void> {
    this.state.updateViewState(change);
    await this.load();
  }

  // What the search tab shows instead of a search, if anything.
  #showInstead(similarTo: string, selection: Selection | null): void {
    this.similarTo.value = similarTo;
    this.selection.value = selection;
  }

  // Loads the open tab's list anew; without a view, it is loaded once one is attached.
  async load(): Promise<void> {
    this.outdated = !this.state.isVisible;
    if (this.outdated) return;
    const { requester, lists } = this;
    const { tab, query, labelled, likeness, lowest } = this.state.viewState.value;
    const { motionFilter: motion, number } = this.state;
    if (tab === "review") await lists.review.open((k) => this.#loadReview(k));
    else if (tab === "feeds") {
      const feed = lists.feed.value;
      await lists.feeds.open((pages, k) =>
        fetchFeed(requester, feed, this.state.status.value?.version ?? 0, pages, k),
      );
    } else {
      const clip = this.similarTo.value;
      const selection = this.selection.value;
      await lists.search.open((pages, k) => {
        if (selection) return fetchSelection(requester, selection, pages, k);
        if (clip) return fetchSimilar(requester, clip, likeness, { labelled, motion }, pages, k);
        if (number) return fetchSorted(requester, { number, lowest }, { labelled, motion }, pages, k);
        const onStatus = (status: Status) => this.applyStatus(status);
        return fetchSearch(requester, query, { labelled, motion }, pages, k, onStatus);
      });
    }
  }

  async #loadReview(k: number) {
    const { review: value, order, annotator, tag } = this.state.viewState.value;
    const review = await fetchReview(this.requester, { value, order, annotator, tag }, k);
    if (review) this.annotators.value = review.annotators;
    if (review) this.tags.value = review.tags;
    return review;
  }

  // Shows the kernel's status. If it says that the text model is loaded at last, repeats a search without results.
  applyStatus(status: Status): void {
    const { state, lists } = this;
    const former = state.status.value;
    if (status.concept !== former?.concept) return;
    state.status.value = status;
    const isEmpty = !lists.loading.value && lists.clips.value.length === 0;
    const textModelLoaded = former.words !== "ready" && status.words === "ready";
    if (textModelLoaded && state.viewState.value.tab === "search" && isEmpty) void this.load();
  }
}

export const canOpen = (tab: Tab, status: Status): boolean =>
  tab !== "search" || status.searchable || status.motion || status.numbers.length > 0;

// The search as long as a class has no label; the feeds after that, where text search is unavailable, or where there is
// a given feed to label.
export const firstTab = (status: Status): Tab =>
  status.searchable &&
  status.words !== "unavailable" &&
  !hasBothClasses(status) &&
  givenFeed(status) === undefined
    ? "search"
    : "feeds";
