// The cards that keys and labels act on: the focused card and the selected ones, by their index in the list.

import { computed, type Signal, signal } from "@preact/signals";
import { indexAfter, type Move } from "../input/keys";

export class CardSelection {
  readonly focus = signal(0);
  readonly columns = signal(4); // of the grid
  // The last card has been labelled: the focus stays on it, but the next label is not meant for it.
  readonly past = signal(false);
  readonly #anchor: Signal<number | null> = signal(null); // where the selected range begins
  readonly #picked: Signal<ReadonlySet<number>> = signal(new Set()); // cards selected one by one

  // The range from the anchor to the focus, and the picked cards.
  readonly selected = computed<ReadonlySet<number>>(() => {
    const selected = new Set(this.#picked.value);
    const anchor = this.#anchor.value;
    if (anchor === null) return selected;
    const [low, high] = [Math.min(anchor, this.focus.value), Math.max(anchor, this.focus.value)];
    for (let index = low; index <= high; index++) selected.add(index);
    return selected;
  });

  // The selected cards, or the focused one.
  get targets(): readonly number[] {
    const selected = [...this.selected.value];
    return selected.length > 0 ? selected : [this.focus.value];
  }

  // Moves the focus over a list of `count` cards. `extend` selects the range that it passes.
  moveFocus(move: Move, extend: boolean, count: number): void {
    this.focusCard(indexAfter(move, this.focus.value, count, this.columns.value), extend);
  }

  focusCard(index: number, extend = false): void {
    if (extend) this.#anchor.value ??= this.focus.value;
    else this.clear();
    this.focus.value = index;
    this.past.value = false;
  }

  // Moves on to the card after those that were labelled, in a list of `count` cards.
  advance(labelled: readonly number[], count: number): void {
    const next = Math.max(...labelled) + 1;
    this.focusCard(Math.max(0, Math.min(count - 1, next)));
    this.past.value = next >= count;
  }

  // Adds one card to the selection, or removes it.
  toggle(index: number): void {
    const picked = new Set(this.selected.value);
    if (!picked.delete(index)) picked.add(index);
    this.#anchor.value = null;
    this.#picked.value = picked;
    this.focus.value = index;
    this.past.value = false;
  }

  // Deselects all cards; the focus stays.
  clear(): void {
    this.#anchor.value = null;
    if (this.#picked.value.size > 0) this.#picked.value = new Set();
  }
}
