// Stands where a list has no cards: why, and what to do.

import type { Store } from "../../annotator/store";
import { VALUES } from "../../kernel/protocol";
import { feedName } from "../../lists/feeds";

export function EmptyList({ store }: { store: Store }) {
  const { tab, review, annotator, tag, labelled } = store.state.viewState.value;
  const status = store.state.status.value;
  const message = (title: string, next: string) => (
    // biome-ignore lint/a11y/useFocusableInteractive: one cell of text
    <div role="row">
      {/* biome-ignore lint/a11y/useFocusableInteractive: one cell of text */}
      <div role="gridcell" class="va-nothing">
        <b>{title}</b>
        <span>{next}</span>
      </div>
    </div>
  );
  if (!status) return message("Waiting for the kernel …", "If it was restarted, run this cell again.");
  if (store.concept.opening.value) return message(`Opening ${store.concept.opening.value} …`, "");
  if (store.lists.loading.value && store.state.lost.value)
    return message("The kernel is lost.", "Run this cell again: what you did is kept.");
  if (store.lists.loading.value && store.state.busy.value && !store.connection.waitsForTextModel.value)
    return message("The kernel is busy …", "The clips come when it answers.");
  if (store.lists.loading.value)
    return status.words === "loading" ? message("One moment …", status.words_note) : message("Looking …", "");
  if (tab === "search" && store.state.textSearchUnavailable.value)
    return message("Words cannot be searched now.", "Look in Feeds; or search once more to try again.");
  const motion = store.state.motionFilter;
  if (tab === "search" && motion !== "all")
    return message(
      `Nothing ${motion} is left here.`,
      "Search for something else, or choose “all clips” to see the others, too.",
    );
  const hasLabels = VALUES.some((value) => status.counts[value] > 0);
  if (tab === "search" && !labelled && hasLabels)
    return message(
      "Nothing without a label is left here.",
      "Search for something else, or press “show labelled” to see the others, too.",
    );
  if (tab === "search")
    return message(
      "Nothing found.",
      status.searchable
        ? "Type what the clips should show, in plain words, and press Enter."
        : "Type how the camera moves, such as “pan left” or “static”, and press Enter.",
    );
  const feed = store.lists.feed.value;
  if (tab === "feeds" && (feed === "assigned" || feed === "second_reading"))
    return message(`You have labelled all of “${feedName(feed)}”.`, "Go on in another feed.");
  if (tab === "feeds")
    return status.clips > 0
      ? message(
          `Nothing is left in “${feedName(feed)}”.`,
          "Every clip has a label, or has been shown. Look your labels over in Review.",
        )
      : message("This corpus has no clips.", "Build it from a folder of videos: va.Corpus.build(…).");
  if (review !== "all" || annotator || tag)
    return message("No such labels.", "Choose all, everybody and any tag to see every labelled clip.");
  return message(
    "No labels yet.",
    "Search for what you look for, and label what you see: Y yes, N no, U unsure.",
  );
}
