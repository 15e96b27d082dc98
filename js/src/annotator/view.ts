// What belongs to one view alone and is not saved: the selected cards, the player, and what is open.

import { computed, signal } from "@preact/signals";
import type { Value } from "../kernel/protocol";
import { CardSelection } from "./cardSelection";
import { PlayerState } from "./playerState";
import type { Store } from "./store";

export class View {
  readonly cards = new CardSelection();
  readonly player = new PlayerState();
  readonly helpOpen = signal(false);
  readonly menuOpen = signal(false);
  readonly publishOpen = signal(false);
  readonly confirmingRest = signal(false); // the view asks whether the rest of the page is no

  constructor(readonly store: Store) {}

  // The focused clip, "" if there is none.
  readonly clip = computed(() => this.store.lists.clips.value[this.cards.focus.value] ?? "");

  // Starts at the first card of a new page.
  restart(): void {
    this.cards.focusCard(0);
    this.player.open.value = false;
    this.confirmingRest.value = false;
  }

  // Labels the selected cards, or the focused one, and moves the focus to the card after them.
  label(value: Value | null): void {
    const clips = this.store.lists.clips.value;
    const { cards } = this;
    const { targets } = cards;
    void this.store.labelling.label(
      targets.flatMap((index) => clips[index] ?? []),
      value,
    );
    cards.clear();
    if (value !== null) cards.focus.value = Math.max(0, Math.min(clips.length - 1, Math.max(...targets) + 1));
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

  // Undoes or redoes, and moves the focus to the first card that has changed.
  async step(type: "undo" | "redo"): Promise<void> {
    const changed = await this.store.labelling.step(type);
    const index = this.store.lists.clips.value.findIndex((clip) => changed.includes(clip));
    if (index >= 0) this.cards.focus.value = index;
  }

  // The clips of the page without a label.
  get rest(): readonly string[] {
    const { labels, lists } = this.store;
    return lists.clips.value.filter((clip) => !labels.get(clip));
  }

  // Labels the rest of the page no and opens the next page. Asks for confirmation until the user has confirmed once.
  labelRest(): void {
    const { state, labelling } = this.store;
    if (state.viewState.value.tab === "review") return;
    const rest = this.rest;
    if (rest.length > 0 && !state.restConfirmed.value && !this.confirmingRest.value) {
      this.confirmingRest.value = true;
      return;
    }
    if (this.confirmingRest.value) state.restConfirmed.value = true;
    if (rest.length > 0) void labelling.label(rest, "no");
    this.nextPage();
  }

  nextPage(): void {
    this.confirmingRest.value = false;
    void this.store.lists.next();
  }

  // Opens the player; if it is open, plays or pauses.
  play(): void {
    const { open, playback } = this.player;
    if (open.value) playback?.toggle();
    else open.value = this.clip.value !== "";
  }

  // Closes the topmost open thing. Returns false if nothing was open: Escape is then left to the notebook.
  escape(): boolean {
    const topmost = [
      this.helpOpen,
      this.menuOpen,
      this.publishOpen,
      this.confirmingRest,
      this.player.open,
    ].find((open) => open.value);
    if (topmost) topmost.value = false;
    else if (this.cards.selected.value.size > 0) this.cards.clear();
    else return false;
    return true;
  }
}
