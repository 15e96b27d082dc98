// The signals that several parts of the annotator read: one set a model, shared by all its views.

import { computed, type Signal, signal } from "@preact/signals";
import type { Model } from "../kernel/client";
import { type MotionFilter, type Status, withoutLoneSurrogates } from "../kernel/protocol";
import type { PlaceStorage } from "../kernel/tabStorage";
import { placeOf, readViewState, TRAIT, type ViewState } from "./viewState";

export class AnnotatorState {
  readonly status: Signal<Status | null> = signal(null); // null until the kernel has replied to `hello`
  readonly viewState: Signal<ViewState>;
  readonly busy = signal(false); // a request has been pending for too long
  readonly lost = signal(false); // no kernel knows this widget
  readonly error = signal("");
  readonly notice = signal(""); // the result of an action that no card shows
  readonly announcement = signal(""); // the latest result of any action, for screen readers
  viewCount = 0; // attached views
  #placeStorage: ((concept: string) => PlaceStorage) | null = null;
  hasSavedViewState: boolean; // an earlier page has saved it, or this one has, even before the kernel replied

  // The corpus has a model for text search, but it cannot be used now; the header shows why.
  readonly textSearchUnavailable = computed(
    () => this.status.value?.searchable === true && this.status.value.words === "unavailable",
  );

  constructor(private readonly model: Model) {
    const saved = model.get(TRAIT);
    this.hasSavedViewState = typeof saved === "object" && saved !== null && "tab" in saved;
    this.viewState = signal(readViewState(saved));
  }

  // True while a view shows the annotator. If its cell is run again, the model stays without a view: it then sends its
  // unsaved labels, but requests no clips and ignores events until a view is attached.
  get isVisible(): boolean {
    return this.viewCount > 0;
  }

  // The open concept; undefined until the kernel has replied to `hello`.
  get concept(): string | undefined {
    return this.status.value?.concept;
  }

  // What the user has chosen, where the motion of the clips is known.
  get motionFilter(): MotionFilter {
    return this.status.value?.motion ? this.viewState.value.motion : "all";
  }

  // The number that the user sorts clips by, where this corpus has it; "" without one.
  get number(): string {
    const { number } = this.viewState.value;
    return this.status.value?.numbers.includes(number) ? number : "";
  }

  // Keeps where the user is in each concept from now on. Goes there, unless this widget knows where that is: by its
  // trait, or because the user has gone somewhere already.
  keepPlacesIn(storage: (concept: string) => PlaceStorage): void {
    this.#placeStorage = storage;
    const place = this.concept === undefined ? null : storage(this.concept).read();
    if (place !== null && !this.hasSavedViewState) this.updateViewState({ ...placeOf(readViewState(place)) });
  }

  updateViewState(change: Partial<ViewState>): void {
    const viewState = withoutLoneSurrogates({ ...this.viewState.value, ...change });
    this.viewState.value = viewState;
    this.hasSavedViewState = true;
    this.model.set(TRAIT, viewState);
    this.model.save_changes();
    if (this.concept !== undefined) this.#placeStorage?.(this.concept).save(placeOf(viewState));
  }

  showError(error: unknown): void {
    this.error.value = error instanceof Error ? error.message : String(error);
  }

  // Announces a result to screen readers, and shows it unless the cards show it already.
  announce(text: string, visible: boolean): void {
    this.notice.value = visible ? text : "";
    this.announcement.value = text;
  }
}
