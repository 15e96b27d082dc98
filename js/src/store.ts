// What the annotator knows: one store a model, shared by its views.

import { computed, type Signal, signal } from "@preact/signals";
import { Client, type Model, RequestError } from "./client";
import { bothClasses, feedOf } from "./feeds";
import { type Command, type Keys, rebind } from "./keys";
import { Media } from "./media";
import { type Change, Outbox, tabShelf } from "./outbox";
import { type Found, Pages } from "./pages";
import { type Place, readPlace, type Tab } from "./place";
import type {
  Card,
  ConceptShown,
  Event,
  Labels,
  Requests,
  RequestType,
  ReviewOrder,
  ReviewValue,
  Selection,
  Status,
  Value,
} from "./protocol";
import { whole } from "./protocol";
import { Review } from "./review";

const LONGEST_EXCLUDE = 2000;
const LONGEST_SEARCH = 200;
const MOST_LABELS = 500; // in one message
const MOST_KNOWN = 2000; // clips whose labels a page that comes back asks for
const QUIET = 10_000; // ms without a word from the kernel until a page doubts that there is one

// Jupyter's models tell it when their kernel is restarted, and when a broken connection is there again.
const CONNECTION = "comm_live_update";

type Greeting = Requests["hello"]["result"];

export class Store {
  readonly client: Client;
  readonly media: Media;
  readonly outbox: Outbox;
  readonly status: Signal<Status | null> = signal(null);
  readonly place: Signal<Place>;
  readonly labels: Signal<ReadonlyMap<string, Value | null>> = signal(new Map());
  readonly busy = signal(false);
  readonly lost = signal(false); // no kernel knows this widget
  readonly opening = signal(""); // the concept that is being opened
  readonly error = signal("");
  readonly notice = signal(""); // what has just happened and cannot be seen on a card
  readonly spoken = signal(""); // the same and the rest, for those who listen
  readonly looking = signal(""); // the clip whose likes the search tab shows
  readonly selection: Signal<Selection | null> = signal(null); // what the search tab shows instead of a search
  readonly annotators: Signal<readonly string[]> = signal([]); // who has labels, as the review last heard
  readonly perPage = signal(12);
  readonly trusted = signal(false); // "is the rest of the page no?" has been answered once
  readonly concepts: Signal<readonly ConceptShown[]> = signal([]);

  readonly search: Pages;
  readonly feeds: Pages;
  readonly review: Review;

  readonly unsaved = computed(() => this.outbox.unsaved(this.status.value?.concept ?? ""));
  readonly saving = computed(() => this.outbox.waiting.value.length);
  readonly feed = computed(() =>
    this.status.value ? feedOf(this.place.value.feed, this.status.value) : this.place.value.feed,
  );
  // The page of the tab that is open; review has none.
  readonly pages = computed<Pages | null>(() => {
    const { tab } = this.place.value;
    if (tab === "review") return null;
    return tab === "feeds" ? this.feeds : this.search;
  });
  readonly page = computed<Found | null>(() => this.pages.value?.page.value ?? null);
  readonly clips = computed<readonly string[]>(
    () => this.page.value?.cards.map((card) => card.clip) ?? this.reviewed.value,
  );
  card(clip: string): Card | undefined {
    const { page } = this;
    return page.value
      ? page.value.cards.find((card) => card.clip === clip)
      : this.review.list.value.cards.get(clip);
  }

  // The kernel waits for the text model, which it loads on another thread: it saves labels meanwhile.
  readonly waits = computed(() => this.status.value?.words === "loading" && this.saving.value === 0);
  // Words cannot be searched for now, though the corpus has a model for them; the header says why.
  readonly wordless = computed(
    () => this.status.value?.searchable === true && this.status.value.words === "unavailable",
  );
  readonly loading = computed(() => this.pages.value?.deck.value.loading ?? this.review.list.value.loading);
  private readonly reviewed = computed(() =>
    this.place.value.tab === "review" ? this.review.list.value.clips : [],
  );

  private opened = false;
  private views = 0;
  private unshown = false; // what the page should show may have changed while nobody saw it
  private placed: boolean; // a former page has been somewhere, or the person has been faster than the kernel

  constructor(private readonly model: Model) {
    const kept = model.get("place");
    this.placed = typeof kept === "object" && kept !== null && "tab" in kept;
    this.place = signal(readPlace(kept));
    this.client = new Client(
      model,
      this.heard,
      (busy) => {
        this.busy.value = busy;
      },
      (lost) => {
        this.lost.value = lost;
      },
    );
    this.outbox = new Outbox(this.client);
    this.media = new Media(this.client);
    this.search = new Pages(this.learn, this.seen);
    this.feeds = new Pages(this.learn, this.seen);
    this.review = new Review((clips) => this.reviewedCards(this.place.value.annotator, clips), this.learn);
    model.on(CONNECTION, this.doubt);
  }

  close(): void {
    this.model.off(CONNECTION, this.doubt);
    this.client.close();
    this.outbox.close();
    this.media.close();
  }

  // A view is there from now on; returns the way to say that it has gone. A cell that is run again leaves its former
  // store without one: that store still delivers its labels, but asks for no clips until it is seen again, and the
  // kernel tells it nothing.
  attach(): () => void {
    this.views += 1;
    if (this.views === 1 && this.opened) void this.greet();
    return () => {
      this.views -= 1;
      if (this.views > 0) return;
      if (this.place.value.tab === "review") this.unshown = true; // it is about what is labelled by then
      this.leave();
    };
  }

  private readonly seen = (): boolean => this.views > 0;

  private leave(): void {
    this.client.tell("bye", { page: this.client.page });
  }

  // Called by a view once it knows how many cards fit. The first one brings the page back to where it was.
  async open(perPage: number): Promise<void> {
    this.perPage.value = perPage;
    if (this.opened) return;
    this.opened = true;
    this.opened = await this.greet();
  }

  // Tells the kernel that this page shows the widget, and shows what the kernel answers.
  private async greet(): Promise<boolean> {
    const clips = [...this.labels.value.keys()].slice(-MOST_KNOWN);
    const chosen = this.selection.value;
    try {
      const { result } = await this.client.request("hello", { page: this.client.page, clips });
      if (!this.seen()) this.leave(); // what was sent again may have come after the bye
      await (this.status.value ? this.resume(result, chosen) : this.begin(result));
      return true;
    } catch (error) {
      this.error.value = error instanceof Error ? error.message : String(error);
      return false;
    }
  }

  private async begin({ status, session, corpus, selection }: Greeting): Promise<void> {
    this.error.value = "";
    this.status.value = status;
    this.selection.value = selection;
    for (const { id, change } of this.outbox.open(tabShelf(corpus, status.annotator, session)))
      void this.change(change, id);
    const { tab, query } = this.place.value;
    const search = selection !== null && (!this.placed || tab === "search");
    this.move({
      tab: search ? "search" : this.placed && reachable(tab, status) ? tab : firstTab(status),
      query: query || status.concept,
    });
    await this.show();
  }

  // What the kernel has not told this page, or has told it in vain. A selection that the page had chosen when it asked is
  // known; by now the person may have gone on to a search.
  private async resume({ status, selection, labels }: Greeting, chosen: Selection | null): Promise<void> {
    await this.adopt(status);
    this.hear(status);
    this.apply(labels);
    if (selection && !same(selection, chosen)) await this.present(selection);
    else if (this.unshown) await this.show();
    this.search.catchUp(0); // what is found does not depend on the classifier
    this.feeds.catchUp(status.version);
  }

  // The host says that something has happened to the connection: is there still a kernel that knows this widget?
  private readonly doubt = (): void => {
    if (!this.seen()) return;
    this.client.sendAll();
    if (this.client.quiet()) void this.greet();
  };

  // Somebody turns to the widget. Not every host says that a kernel was shut down: better to ask now than to leave it
  // to the first label.
  readonly visit = (): void => {
    if (this.client.quiet(QUIET)) void this.greet();
  };

  // --- where the person is ---------------------------------------------------------------------

  private move(change: Partial<Place>): void {
    const place = whole({ ...this.place.value, ...change });
    this.place.value = place;
    this.placed = true;
    this.model.set("place", place);
    this.model.save_changes();
  }

  async tab(tab: Tab): Promise<void> {
    this.move({ tab });
    // Review is about what has been labelled by now; the other pages stay as they were left.
    const former = this.page.value;
    const stays = former !== null && (tab === "search" || former.source === this.feed.value);
    if (!stays) await this.show();
  }

  async openFeed(name: string): Promise<void> {
    if (!this.status.value?.feeds.includes(name)) return;
    this.move({ tab: "feeds", feed: name });
    await this.show();
  }

  async find(text: string): Promise<void> {
    const query = text.trim();
    if (!query) return;
    this.looking.value = "";
    this.selection.value = null;
    this.move({ tab: "search", query });
    await this.show();
  }

  async alike(clip: string): Promise<void> {
    this.looking.value = clip;
    this.selection.value = null;
    this.move({ tab: "search" });
    await this.show();
  }

  private async present(selection: Selection): Promise<void> {
    this.looking.value = "";
    this.selection.value = selection;
    this.tell(`${selection.title}: ${selection.clips.length} clips`, false);
    this.move({ tab: "search" });
    await this.show();
  }

  async openReview(change: { review?: ReviewValue; order?: ReviewOrder; annotator?: string }): Promise<void> {
    this.move({ tab: "review", ...change });
    await this.show();
  }

  resize(change: { size?: number; page?: number }): void {
    this.move(change);
  }

  rebind(command: Command, key: string): void {
    this.move({ keys: rebind(this.place.value.keys, command, key) });
  }

  resetKeys(): void {
    this.move({ keys: {} as Keys });
  }

  // --- pages -----------------------------------------------------------------------------------

  private async show(): Promise<void> {
    this.unshown = !this.seen();
    if (this.unshown) return;
    const { tab, query } = this.place.value;
    if (tab === "feeds") {
      const name = this.feed.value;
      await this.feeds.open((pages) => this.fetchFeed(name, pages));
    } else if (tab === "search") {
      const clip = this.looking.value;
      const selection = this.selection.value;
      await this.search.open((pages) =>
        selection ? this.fetchSelection(selection, pages) : this.fetchSearch(query, clip, pages),
      );
    } else {
      await this.review.open((k) => this.fetchReview(k));
    }
  }

  private async fetchReview(k: number) {
    const { review: value, order, annotator } = this.place.value;
    const reply = await this.ask("review", { value, order, annotator, k });
    if (reply) this.annotators.value = reply.result.annotators;
    return reply?.result ?? null;
  }

  private async reviewedCards(annotator: string, clips: string[]): Promise<readonly Card[] | null> {
    return (await this.ask("reviewed", { annotator, clips }))?.result.cards ?? null;
  }

  private async fetchSelection(selection: Selection, pages: readonly Found[]): Promise<Found | null> {
    const seen = pages.reduce((sum, page) => sum + page.cards.length, 0);
    const clips = selection.clips.slice(seen, seen + this.perPage.value);
    const cards = clips.length > 0 ? await this.reviewedCards("", clips) : [];
    return cards && { cards, source: "selection", version: 0 };
  }

  async next(): Promise<void> {
    await this.pages.value?.next();
  }

  previous(): void {
    this.pages.value?.previous();
  }

  private async fetchFeed(name: string, pages: readonly Found[]): Promise<Found | null> {
    // A newer classifier starts over, but not with what was on the page just now.
    const newest = pages.at(-1);
    const fresh = newest !== undefined && (this.status.value?.version ?? 0) > newest.version;
    const shown = fresh ? newest.cards : pages.flatMap((page) => page.cards);
    const exclude = shown.map((card) => card.clip).slice(-LONGEST_EXCLUDE);
    const reply = await this.ask("feed", { name, k: this.perPage.value, exclude });
    return reply && { ...reply.result, source: name };
  }

  private async fetchSearch(text: string, clip: string, pages: readonly Found[]): Promise<Found | null> {
    const seen = pages.reduce((sum, page) => sum + page.cards.length, 0);
    const k = Math.min(LONGEST_SEARCH, seen + this.perPage.value);
    const source = clip ? "similar" : "search";
    if (k <= seen) return { cards: [], source, version: 0 };
    const reply = clip ? await this.ask("similar", { clip, k }) : await this.ask("search", { text, k });
    if (!reply) return null;
    const found = { cards: reply.result.cards.slice(seen), source, version: 0 };
    if (!("status" in reply.result)) return found;
    this.hear(reply.result.status);
    return { ...found, note: reply.result.note };
  }

  // Cards bring what the kernel knows of their labels, and their pictures are wanted soon.
  private readonly learn = (cards: readonly Card[]): void => {
    this.apply(Object.fromEntries(cards.map((card) => [card.clip, card.label])));
    if (!this.seen()) return; // a view asks for what it draws
    for (const card of cards) this.media.film(card.clip);
    this.media.ask(); // now: the next page, which is asked for right after this, takes the kernel longer
  };

  // --- labels ----------------------------------------------------------------------------------

  // A pressed button pressed again takes its label back.
  toggle(clips: readonly string[], value: Value): Promise<void> {
    const all = clips.every((clip) => this.labels.value.get(clip) === value);
    return this.label(clips, all ? null : value);
  }

  // Shows the label at once and saves it; if the kernel refuses it, it is taken back and the reason is shown.
  async label(clips: readonly string[], shown: Value | null): Promise<void> {
    const concept = this.status.value?.concept;
    if (clips.length === 0 || concept === undefined) return;
    const source = this.page.value?.source ?? this.place.value.tab;
    const value = shown ?? "none";
    const parts: Promise<unknown>[] = [];
    for (let from = 0; from < clips.length; from += MOST_LABELS) {
      const part = clips.slice(from, from + MOST_LABELS);
      parts.push(this.change({ type: "label", concept, clips: part, value, source }));
    }
    await Promise.all(parts);
  }

  // Which clips an undo or a redo has changed.
  async step(type: "undo" | "redo"): Promise<readonly string[]> {
    const concept = this.status.value?.concept;
    if (concept === undefined) return [];
    return Object.keys((await this.change({ type, concept })) ?? {});
  }

  private async change(change: Change, id?: string): Promise<Labels | undefined> {
    const before = this.labels.value;
    const here = change.concept === this.status.value?.concept;
    if (change.type === "label" && here)
      this.overlay(change.clips, change.value === "none" ? null : change.value);
    try {
      const { result } = await this.outbox.push(change, id);
      this.error.value = "";
      if (change.concept === this.status.value?.concept) {
        this.apply(result.labels);
        this.tell(told(change, result.labels), change.type !== "label");
      }
      return result.labels;
    } catch (error) {
      this.error.value = error instanceof Error ? error.message : String(error);
      if (change.type === "label" && change.concept === this.status.value?.concept)
        this.apply(Object.fromEntries(change.clips.map((clip) => [clip, before.get(clip) ?? null])));
      return undefined;
    }
  }

  private overlay(clips: readonly string[], value: Value | null): void {
    const all = new Map(this.labels.value);
    for (const clip of clips) all.set(clip, value);
    this.labels.value = all;
  }

  // What the kernel says counts, except where the person has said something newer that is still under way.
  private apply(labels: Labels): void {
    const all = new Map(this.labels.value);
    const unsaved = this.unsaved.value;
    for (const [clip, value] of Object.entries(labels)) if (!unsaved.has(clip)) all.set(clip, value);
    this.labels.value = all;
  }

  // --- the concept -----------------------------------------------------------------------------

  // Whether it was saved.
  async guideline(text: string): Promise<boolean> {
    const reply = await this.ask("guideline", { text });
    if (reply) this.hear(reply.result.status);
    return reply !== null;
  }

  async loadConcepts(): Promise<void> {
    const reply = await this.ask("concepts", {});
    if (reply) this.concepts.value = reply.result.concepts;
  }

  async switchTo(concept: string): Promise<void> {
    if (!concept.trim() || concept.trim() === this.status.value?.concept) return;
    this.opening.value = concept.trim();
    const reply = await this.ask("switch", { concept });
    this.opening.value = "";
    if (reply) await this.adopt(reply.result.status);
  }

  async publish(name: string): Promise<void> {
    const reply = await this.ask("publish", { name });
    if (!reply) return;
    this.hear(reply.result.status);
    this.tell(`published ${reply.result.name}, version ${reply.result.version}`, true);
  }

  // Another concept has been opened, here or in another window of this widget.
  private async adopt(status: Status): Promise<void> {
    if (status.concept === this.status.value?.concept) return;
    this.status.value = status;
    this.labels.value = new Map();
    for (const { change } of this.outbox.waiting.value)
      if (change.type === "label" && change.concept === status.concept)
        this.overlay(change.clips, change.value === "none" ? null : change.value);
    for (const list of [this.search, this.feeds, this.review]) list.clear();
    this.looking.value = "";
    this.selection.value = null;
    this.tell(`concept: ${status.concept}`, false);
    this.move({ tab: firstTab(status), feed: "", query: status.concept, annotator: "" });
    await this.show();
  }

  private tell(what: string, visibly: boolean): void {
    this.notice.value = visibly ? what : "";
    this.spoken.value = what;
  }

  // --- the kernel ------------------------------------------------------------------------------

  private hear(status: Status): void {
    const former = this.status.value;
    if (status.concept !== former?.concept) return;
    this.status.value = status;
    // The text model is there at last: what was searched for in vain is searched for again.
    const inVain = this.place.value.tab === "search" && !this.loading.value && this.clips.value.length === 0;
    if (former.words !== "ready" && status.words === "ready" && inVain) void this.show();
  }

  private readonly heard = (event: Event): void => {
    const { status } = event.data;
    if (this.status.value === null || !this.seen()) return; // the answer to hello brings all of it
    if (event.event === "switch") {
      void this.adopt(status);
      return;
    }
    if (status.concept !== this.status.value.concept) return;
    this.hear(status);
    if (event.event === "show") void this.present(event.data.selection);
    if (event.event === "labels") this.apply(event.data.labels);
    if (event.event === "refit") {
      this.feeds.refresh();
      const { quality } = status;
      this.spoken.value = `refitted${quality ? `, quality ${quality.ap.toFixed(2)}` : ""}`;
    }
  };

  private async ask<T extends RequestType>(type: T, payload: Requests[T]["with"]) {
    try {
      const reply = await this.client.request(type, payload);
      this.error.value = "";
      return reply;
    } catch (error) {
      const known = error instanceof RequestError && error.code === "no_text_search" && this.wordless.value;
      this.error.value = known ? "" : error instanceof Error ? error.message : String(error); // the header says why
      return null;
    }
  }
}

const same = (one: Selection, other: Selection | null): boolean =>
  one.title === other?.title && one.clips.join() === other.clips.join();

const reachable = (tab: Tab, status: Status): boolean => tab !== "search" || status.searchable;

// Words first; once both classes are there, or where words cannot be searched for, the feeds.
const firstTab = (status: Status): Tab =>
  status.searchable && status.words !== "unavailable" && !bothClasses(status) ? "search" : "feeds";

function told(change: Change, labels: Labels): string {
  const number = Object.keys(labels).length;
  if (change.type === "label") {
    const said = change.value === "none" ? "label taken back" : change.value;
    return number === 1 ? said : `${number} clips: ${said}`;
  }
  if (number === 0) return `nothing to ${change.type}`;
  return `${number === 1 ? "1 label" : `${number} labels`} ${change.type === "undo" ? "undone" : "done again"}`;
}
