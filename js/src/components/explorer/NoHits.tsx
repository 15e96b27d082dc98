// Stands where no clip matches: why, and what to do.

import type { ExplorerStore } from "../../explorer/store";

export function NoHits({ store }: { store: ExplorerStore }) {
  const { state, hits } = store;
  const catalogue = state.catalogue.value;
  const [title, next] = (() => {
    if (!catalogue) return ["Waiting for the kernel …", "If it was restarted, run this cell again."];
    if (hits.loading.value && state.lost.value) return ["The kernel is lost.", "Run this cell again."];
    if (hits.loading.value) return ["Looking …", ""];
    if (catalogue.clips === 0)
      return ["This corpus has no clips.", "Build it from a folder of videos: va.Corpus.build(…)."];
    if (state.viewState.value.values.length > 0)
      return ["No clip with the chosen values matches.", "Let go of a value, or change the query."];
    return [
      "No clip matches.",
      "Lower a threshold: drag it to the left in the histogram, or change the query.",
    ];
  })();
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: one cell of text
    <div role="row">
      {/* biome-ignore lint/a11y/useFocusableInteractive: one cell of text */}
      <div role="gridcell" class="va-nothing">
        <b>{title}</b>
        <span>{next}</span>
      </div>
    </div>
  );
}
