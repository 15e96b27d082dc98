// What only one view needs: the card under the keyboard, the selection, the player, what is open.

import { computed, type Signal, signal } from "@preact/signals";
import { type Move, moved } from "./keys";
import type { Value } from "./protocol";
import type { Store } from "./store";

// What the keyboard does to the player that is open.
export interface Playback {
  toggle(): void;
  step(frames: number): void;
}

export const RATES: readonly number[] = [0.5, 1, 1.5, 2];

export class View {
  readonly focus = signal(0);
  readonly anchor: Signal<number | null> = signal(null);
  readonly picked: Signal<ReadonlySet<number>> = signal(new Set());
  readonly playing = signal(false);
  readonly help = signal(false);
  readonly menu = signal(false);
  readonly asking = signal(false); // "is the rest of the page no?" is on the screen
  readonly columns = signal(4);
  readonly rate: Signal<number> = signal(1);
  readonly loop = signal(true);
  readonly context = signal(false);
  playback: Playback | null = null;

  constructor(readonly store: Store) {}

  // The range from the anchor to the card under the keyboard, and what was picked one by one.
  readonly selected = computed<ReadonlySet<number>>(() => {
    const selected = new Set(this.picked.value);
    const anchor = this.anchor.value;
    if (anchor === null) return selected;
    const [low, high] = [Math.min(anchor, this.focus.value), Math.max(anchor, this.focus.value)];
    for (let index = low; index <= high; index++) selected.add(index);
    return selected;
  });

  readonly clip = computed(() => this.store.clips.value[this.focus.value] ?? "");

  move(to: Move, extend: boolean): void {
    const from = this.focus.value;
    this.extend(extend);
    this.focus.value = moved(from, to, this.store.clips.value.length, this.columns.value);
  }

  pick(index: number, extend: boolean): void {
    this.extend(extend);
    this.focus.value = index;
  }

  private extend(extend: boolean): void {
    if (extend) this.anchor.value ??= this.focus.value;
    else this.letGo();
  }

  // Takes one card into the selection, or out of it.
  toggle(index: number): void {
    const picked = new Set(this.selected.value);
    if (!picked.delete(index)) picked.add(index);
    this.anchor.value = null;
    this.picked.value = picked;
    this.focus.value = index;
  }

  private letGo(): void {
    this.anchor.value = null;
    if (this.picked.value.size > 0) this.picked.value = new Set();
  }

  // A new page begins at its first card.
  restart(): void {
    this.focus.value = 0;
    this.letGo();
    this.playing.value = false;
    this.asking.value = false;
  }

  // The selection, or the card under the keyboard.
  private get chosen(): readonly number[] {
    const selected = [...this.selected.value];
    return selected.length > 0 ? selected : [this.focus.value];
  }

  // Labels what is chosen, and goes on to the next card.
  label(value: Value | null): void {
    const clips = this.store.clips.value;
    const chosen = this.chosen;
    void this.store.label(
      chosen.flatMap((index) => clips[index] ?? []),
      value,
    );
    this.letGo();
    if (value !== null) this.focus.value = Math.max(0, Math.min(clips.length - 1, Math.max(...chosen) + 1));
  }

  // A press on a card's own button: it labels the selection if the card is part of it.
  press(index: number, value: Value): void {
    const clips = this.store.clips.value;
    const chosen = this.selected.value.has(index) ? this.chosen : [index];
    this.letGo();
    this.focus.value = index;
    void this.store.toggle(
      chosen.flatMap((one) => clips[one] ?? []),
      value,
    );
  }

  async step(type: "undo" | "redo"): Promise<void> {
    const changed = await this.store.step(type);
    const index = this.store.clips.value.findIndex((clip) => changed.includes(clip));
    if (index >= 0) this.focus.value = index;
  }

  get rest(): readonly string[] {
    const labels = this.store.labels.value;
    return this.store.clips.value.filter((clip) => !labels.get(clip));
  }

  // The rest of the page is no, then the next page. The first time it asks.
  enter(): void {
    if (this.store.place.value.tab === "review") return;
    const rest = this.rest;
    if (rest.length > 0 && !this.store.trusted.value && !this.asking.value) {
      this.asking.value = true;
      return;
    }
    if (this.asking.value) this.store.trusted.value = true;
    this.asking.value = false;
    if (rest.length > 0) void this.store.label(rest, "no");
    void this.store.next();
  }

  skip(): void {
    this.asking.value = false;
    void this.store.next();
  }

  play(): void {
    if (!this.playing.value) this.playing.value = this.clip.value !== "";
    else this.playback?.toggle();
  }

  faster(steps: number): void {
    const place = RATES.indexOf(this.rate.value);
    this.rate.value = RATES[Math.max(0, Math.min(RATES.length - 1, place + steps))] ?? 1;
  }

  // Closes what is open, the topmost first. False if nothing was: then Escape is the notebook's.
  escape(): boolean {
    const open = [this.help, this.menu, this.asking, this.playing].find((one) => one.value);
    if (open) open.value = false;
    else if (this.selected.value.size > 0) this.letGo();
    else return false;
    return true;
  }
}
