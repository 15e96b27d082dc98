// What belongs to one view of the explorer alone and is not saved: the selected cards, the player, and what is open.

import { computed, type Signal, signal } from "@preact/signals";
import { CardSelection } from "../annotator/cardSelection";
import { PlayerState } from "../annotator/playerState";
import type { ExplorerStore } from "./store";

export type Panel = "" | "saved" | "label" | "export" | "help";

export class ExplorerView {
  readonly cards = new CardSelection();
  readonly player = new PlayerState();
  readonly panel: Signal<Panel> = signal(""); // which is open
  readonly hasKeyboard = signal(false); // the cards have the browser's focus
  readonly elsewhere = signal(""); // a clip that the timeline has jumped to; "": the player follows the cards

  goesTo: "" | "hits" | "annotator" = ""; // where the user goes, and the keyboard with them

  constructor(readonly store: ExplorerStore) {}

  // The focused clip, "" if there is none.
  readonly clip = computed(() => this.store.hits.clips.value[this.cards.focus.value] ?? "");
  // The clip in the player.
  readonly played = computed(() => this.elsewhere.value || this.clip.value);
  // The clips that are selected; none if only one is in the focus.
  readonly selected = computed<readonly string[]>(() =>
    [...this.cards.selected.value]
      .sort((a, b) => a - b)
      .flatMap((index) => this.store.hits.clips.value[index] ?? []),
  );

  // A page is shown.
  restart(): void {
    const { start } = this.store.hits.list.progress.value;
    this.cards.focusCard(Math.max(0, this.store.hits.clips.value.indexOf(start)));
    this.elsewhere.value = "";
    if (this.store.hits.clips.value.length === 0) this.player.open.value = false;
  }

  // Opens the player; if it is open, plays or pauses.
  play(): void {
    const { open, playback } = this.player;
    if (open.value) playback?.toggle();
    else open.value = this.clip.value !== "";
  }

  toggle(panel: Panel): void {
    this.panel.value = this.panel.value === panel ? "" : panel;
  }

  // Closes the topmost open thing. Returns false if nothing was open: Escape is then left to the notebook.
  close(): boolean {
    const { draft } = this.store;
    if (this.panel.value) this.panel.value = "";
    else if (draft.closeCompletions()) return true;
    else if (this.player.open.value) this.player.open.value = false;
    else if (this.cards.selected.value.size > 0) this.cards.clear();
    else return false;
    return true;
  }
}
