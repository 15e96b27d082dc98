// What belongs to one view alone and is not saved: the selected cards, the player, and what is open.

import { computed, type Signal, signal } from "@preact/signals";
import { shortcut } from "../input/keys";
import type { Value } from "../kernel/protocol";
import { isMostlyYes } from "../lists/feeds";
import type { PagedList } from "../lists/pagedList";
import { CardSelection } from "./cardSelection";
import { PlayerState } from "./playerState";
import type { Store } from "./store";

const BOUNCE = 350; // ms after a page has turned by itself in which a key may still be meant for the page before

export class View {
  readonly cards = new CardSelection();
  readonly player = new PlayerState();
  readonly helpOpen = signal(false);
  readonly helpPart: Signal<"keys" | "words"> = signal("keys");
  readonly menuOpen = signal(false);
  readonly publishOpen = signal(false);
  readonly remarkOpen = signal(false); // the note and the tags of the focused clip
  readonly hasKeyboard = signal(false); // the cards have the browser's focus
  readonly confirmingRest = signal(false); // the view asks whether the rest of the page is no
  readonly leavingRest = signal(false); // Enter was pressed while some cards have no label; again, it pages

  turnedAt = Number.NEGATIVE_INFINITY; // when a page turned by itself last, as `performance.now()` tells time
  #list: PagedList | null = null; // which was shown last

  constructor(readonly store: Store) {}

  // The focused clip, "" if there is none.
  readonly clip = computed(() => this.store.lists.clips.value[this.cards.focus.value] ?? "");

  // The clips of the page without a label; none in review.
  readonly rest = computed<readonly string[]>(() => {
    const { labels, lists } = this.store;
    return lists.openList.value ? lists.clips.value.filter((clip) => !labels.get(clip)) : [];
  });

  // Every card of the page has a label. Review has no pages.
  readonly pageDone = computed(() => {
    const { lists } = this.store;
    return lists.openList.value !== null && lists.clips.value.length > 0 && this.rest.value.length === 0;
  });

  // A page is shown: starts at its first card, or where its list says. The player stays open from page to page of a list.
  restart(): void {
    const { clips, openList } = this.store.lists;
    const start = openList.value?.progress.value.start ?? "";
    this.cards.focusCard(Math.max(0, clips.value.indexOf(start)));
    if (openList.value !== this.#list || clips.value.length === 0) this.player.open.value = false;
    this.#list = openList.value;
    this.remarkOpen.value = false;
    this.#stopAsking();
  }

  #stopAsking(): void {
    this.confirmingRest.value = false;
    this.leavingRest.value = false;
  }

  // Labels the selected cards, or the focused one, and moves the focus to the card after them. After the last card, a
  // label is ignored until the focus is moved: a hurried key must not change that card. Null takes labels back, and
  // the focus stays.
  label(value: Value | null): void {
    const clips = this.store.lists.clips.value;
    const { cards } = this;
    if (this.#hasJustTurned() || (value !== null && cards.past.value)) return;
    const { targets } = cards;
    const wasDone = this.pageDone.value;
    this.#stopAsking();
    void this.store.labelling.label(
      targets.flatMap((index) => clips[index] ?? []),
      value,
    );
    if (value === null) cards.focusCard(cards.focus.value);
    else cards.advance(targets, clips.length);
    if (!wasDone) this.#turnIfDone();
  }

  // Opens the next page if the last clip of this one was labelled and the user wants that.
  #turnIfDone(): void {
    if (!this.pageDone.value || !this.store.state.viewState.value.turns) return;
    this.turnedAt = performance.now();
    void this.store.lists.next();
  }

  #hasJustTurned(): boolean {
    return performance.now() - this.turnedAt < BOUNCE;
  }

  // A click on a card's label button: labels all selected cards if the card is one of them, otherwise only this card.
  pressLabel(index: number, value: Value): void {
    const clips = this.store.lists.clips.value;
    const { cards } = this;
    const targets = cards.selected.value.has(index) ? cards.targets : [index];
    cards.focusCard(index);
    void this.store.labelling.toggle(
      targets.flatMap((target) => clips[target] ?? []),
      value,
    );
  }

  openRemark(): void {
    this.remarkOpen.value = this.clip.value !== "";
  }

  // Gives one of the annotator's own tags to the selected cards, or the focused one, or takes it away.
  tag(index: number): void {
    const { remarks, clips } = this.store.lists;
    const tag = remarks.tags.value[index];
    if (tag === undefined) {
      const key = shortcut("remark", this.store.state.viewState.value.keys);
      this.store.state.announce(`No tag has this key yet: ${key} opens them.`, true);
      return;
    }
    remarks.toggleTag(
      this.cards.targets.flatMap((target) => clips.value[target] ?? []),
      tag,
    );
  }

  // Undoes or redoes, and moves the focus to the first card that has changed.
  async step(type: "undo" | "redo"): Promise<void> {
    this.#stopAsking();
    const changed = await this.store.labelling.step(type);
    const index = this.store.lists.clips.value.findIndex((clip) => changed.includes(clip));
    if (index >= 0) this.cards.focusCard(index);
  }

  // Labels the rest of the page no; no further label is then meant for this page. Where most clips are likely yes, asks
  // for confirmation each time.
  labelRest(): void {
    const { lists } = this.store;
    const rest = this.rest.value;
    if (rest.length === 0 || this.#hasJustTurned()) return;
    if (isMostlyYes(lists.source) && !this.confirmingRest.value) {
      this.confirmingRest.value = true;
      return;
    }
    this.#stopAsking();
    void this.store.labelling.label(rest, "no");
    this.cards.past.value = true;
    this.#turnIfDone();
  }

  // Labels nothing.
  nextPage(): void {
    this.#stopAsking();
    void this.store.lists.next();
  }

  // Opens the next page once all cards have labels; otherwise only when it is pressed twice.
  leavePage(): void {
    if (this.#hasJustTurned()) return;
    if (this.rest.value.length > 0 && !this.leavingRest.value) {
      this.confirmingRest.value = false;
      this.leavingRest.value = true;
      this.store.state.announcement.value = `${this.rest.value.length} without a label`;
    } else this.nextPage();
  }

  // Opens the player; if it is open, plays or pauses.
  play(): void {
    const { open, playback } = this.player;
    if (open.value) playback?.toggle();
    else open.value = this.clip.value !== "";
  }

  // Closes the topmost open thing. Returns false if nothing was open: Escape is then left to the notebook.
  escape(): boolean {
    const { helpOpen, menuOpen, publishOpen, remarkOpen, confirmingRest, leavingRest, player } = this;
    const panels = [helpOpen, menuOpen, publishOpen, remarkOpen, confirmingRest, leavingRest, player.open];
    const topmost = panels.find((open) => open.value);
    if (topmost) topmost.value = false;
    else if (this.cards.selected.value.size > 0) this.cards.clear();
    else return false;
    return true;
  }
}
