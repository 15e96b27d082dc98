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
  hasSavedViewState: boolean; // an earlier page has saved where the user is, or they have gone there on this one
  #hasMoved = false; // the user has gone somewhere on this page, even before the kernel replied

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

  // Keeps where the user is in each concept from now on. Goes there, unless the user has gone somewhere already, or the
  // trait says where this widget was. What this widget has kept is newer than its trait: the host holds changes of
  // traits back while the kernel is busy, and a reload of the page drops them.
  keepPlacesIn(storage: (concept: string) => PlaceStorage): void {
    this.#placeStorage = storage;
    const kept = this.concept === undefined ? null : storage(this.concept).read();
    if (kept === null || this.#hasMoved) return;
    const place = readViewState(kept);
    const isOwn = place.widget !== "" && place.widget === this.viewState.value.widget;
    if (isOwn || !this.hasSavedViewState) this.updateViewState(placeOf(place));
  }

  updateViewState(change: Partial<ViewState>): void {
    const widget = this.viewState.value.widget || Math.random().toString(36).slice(2, 10);
    const viewState = withoutLoneSurrogates({ ...this.viewState.value, ...change, widget });
    this.viewState.value = viewState;
    if (change.tab !== undefined) {
      this.hasSavedViewState = true;
      this.#hasMoved = true;
    }
    this.model.set(TRAIT, viewState);
    this.model.save_changes();
    if (this.concept !== undefined)
      this.#placeStorage?.(this.concept).save({ ...placeOf(viewState), widget });
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
