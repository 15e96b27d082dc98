// What belongs to one view alone and is not saved: the focused card, the selected cards, the player, what is open.

import { computed, type Signal, signal } from "@preact/signals";
import { indexAfter, type Move } from "../input/keys";
import type { Value } from "../kernel/protocol";
import type { Store } from "./store";

// What keys and buttons do to the open player.
export interface Playback {
  toggle(): void;
  step(frames: number): void;
}

const RATES: readonly number[] = [0.5, 1, 1.5, 2];

export class View {
  readonly focus = signal(0); // index of the card that keys act on
  readonly anchor: Signal<number | null> = signal(null); // where the selected range begins
  readonly picked: Signal<ReadonlySet<number>> = signal(new Set()); // cards selected one by one
  readonly playerOpen = signal(false);
  readonly helpOpen = signal(false);
  readonly menuOpen = signal(false);
  readonly confirmingRest = signal(false); // the view asks whether the rest of the page is no
  readonly columns = signal(4);
  readonly rate: Signal<number> = signal(1); // of playback
  readonly loop = signal(true);
  readonly context = signal(false); // the player shows what is before and after the clip, too
  playback: Playback | null = null;

  constructor(readonly store: Store) {}

  // Indices of the selected cards: the range from the anchor to the focus, and the picked ones.
  readonly selected = computed<ReadonlySet<number>>(() => {
    const selected = new Set(this.picked.value);
    const anchor = this.anchor.value;
    if (anchor === null) return selected;
    const [low, high] = [Math.min(anchor, this.focus.value), Math.max(anchor, this.focus.value)];
    for (let index = low; index <= high; index++) selected.add(index);
    return selected;
  });

  // The focused clip, "" if there is none.
  readonly clip = computed(() => this.store.lists.clips.value[this.focus.value] ?? "");

  moveFocus(move: Move, extend: boolean): void {
    const from = this.focus.value;
    this.#extendSelection(extend);
    this.focus.value = indexAfter(move, from, this.store.lists.clips.value.length, this.columns.value);
  }

  focusCard(index: number, extend: boolean): void {
    this.#extendSelection(extend);
    this.focus.value = index;
  }

  #extendSelection(extend: boolean): void {
    if (extend) this.anchor.value ??= this.focus.value;
    else this.#clearSelection();
  }

  // Adds one card to the selection, or removes it.
  toggleSelected(index: number): void {
    const picked = new Set(this.selected.value);
    if (!picked.delete(index)) picked.add(index);
    this.anchor.value = null;
    this.picked.value = picked;
    this.focus.value = index;
  }

  #clearSelection(): void {
    this.anchor.value = null;
    if (this.picked.value.size > 0) this.picked.value = new Set();
  }

  // Starts at the first card of a new page.
  restart(): void {
    this.focus.value = 0;
    this.#clearSelection();
    this.playerOpen.value = false;
    this.confirmingRest.value = false;
  }

  // Indices of the cards that a label applies to: the selected ones, or the focused one.
  get #targets(): readonly number[] {
    const selected = [...this.selected.value];
    return selected.length > 0 ? selected : [this.focus.value];
  }

  // Labels the targets and moves the focus to the card after them.
  label(value: Value | null): void {
    const clips = this.store.lists.clips.value;
    const targets = this.#targets;
    void this.store.labelling.label(
      targets.flatMap((index) => clips[index] ?? []),
      value,
    );
    this.#clearSelection();
    if (value !== null) this.focus.value = Math.max(0, Math.min(clips.length - 1, Math.max(...targets) + 1));
  }

  // A click on a card's label button: labels all selected cards if the card is one of them, otherwise only this card.
  pressLabel(index: number, value: Value): void {
    const clips = this.store.lists.clips.value;
    const targets = this.selected.value.has(index) ? this.#targets : [index];
    this.#clearSelection();
    this.focus.value = index;
    void this.store.labelling.toggle(
      targets.flatMap((target) => clips[target] ?? []),
      value,
    );
  }

  // Undoes or redoes, and moves the focus to the first card that has changed.
  async step(type: "undo" | "redo"): Promise<void> {
    const changed = await this.store.labelling.step(type);
    const index = this.store.lists.clips.value.findIndex((clip) => changed.includes(clip));
    if (index >= 0) this.focus.value = index;
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
    if (!this.playerOpen.value) this.playerOpen.value = this.clip.value !== "";
    else this.playback?.toggle();
  }

  changeRate(steps: number): void {
    const index = RATES.indexOf(this.rate.value);
    this.rate.value = RATES[Math.max(0, Math.min(RATES.length - 1, index + steps))] ?? 1;
  }

  // Closes the topmost open thing. Returns false if nothing was open: Escape is then left to the notebook.
  escape(): boolean {
    const topmost = [this.helpOpen, this.menuOpen, this.confirmingRest, this.playerOpen].find(
      (open) => open.value,
    );
    if (topmost) topmost.value = false;
    else if (this.selected.value.size > 0) this.#clearSelection();
    else return false;
    return true;
  }
}
