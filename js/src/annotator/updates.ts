// Applies what the kernel reports: its events, and the changes that a page has missed while it had no view.

import type { Event, Requests, Selection } from "../kernel/protocol";
import type { Lists } from "../lists/lists";
import type { Navigation } from "../lists/navigation";
import type { AnnotatorState } from "../state/annotatorState";
import type { ShownLabels } from "../state/labels";
import type { Concept } from "./concept";

export type HelloResult = Requests["hello"]["result"];

export class Updates {
  constructor(
    private readonly state: AnnotatorState,
    private readonly labels: ShownLabels,
    private readonly lists: Lists,
    private readonly navigation: Navigation,
    private readonly concept: Concept,
  ) {}

  onEvent(event: Event): void {
    const { state } = this;
    const { status } = event.data;
    if (state.status.value === null || !state.isVisible) return; // the reply to `hello` will contain it
    if (event.event === "switch") {
      void this.concept.applySwitch(status);
      return;
    }
    if (status.concept !== state.concept) return;
    this.navigation.applyStatus(status);
    if (event.event === "show") void this.navigation.openSelection(event.data.selection);
    if (event.event === "labels") this.labels.apply(event.data.labels);
    if (event.event === "remarks") this.lists.remarks.applyStored(event.data.remarks);
    if (event.event === "refit") {
      this.lists.feeds.refresh();
      const { quality } = status;
      state.announcement.value = `refitted${quality ? `, quality ${quality.ap.toFixed(2)}` : ""}`;
    }
  }

  // Applies the reply to a further `hello`. `shown` is the selection that was shown when `hello` was sent: if the kernel
  // still has it, the user may have gone on to a search by now, which stays.
  async catchUp({ status, labels, selection }: HelloResult, shown: Selection | null): Promise<void> {
    const { lists, navigation } = this;
    await this.concept.applySwitch(status);
    navigation.applyStatus(status);
    this.labels.apply(labels);
    if (selection && !isSame(selection, shown)) await navigation.openSelection(selection);
    else if (navigation.outdated) await navigation.load();
    lists.search.catchUp(0); // search results do not depend on the classifier
    lists.feeds.catchUp(status.version);
  }
}

const isSame = (selection: Selection, other: Selection | null): boolean =>
  selection.title === other?.title && selection.clips.join() === other.clips.join();
