// The bar below the hits: what is selected or was done, and paging.

import type { ExplorerStore } from "../../explorer/store";
import type { ExplorerView } from "../../explorer/view";
import { shortcut } from "../../input/keys";
import { Key } from "../Key";
import { PreviousPage } from "../PreviousPage";

export function ExplorerFoot({ store, view }: { store: ExplorerStore; view: ExplorerView }) {
  const { state, hits } = store;
  const hint = hintFor(store, view);
  const { index, pages, ended } = hits.list.progress.value;
  const count = hits.count.value ?? 0;
  const first = hits.first.value;
  const last = first + hits.clips.value.length - 1;
  const key = shortcut("next", state.viewState.value.keys);
  return (
    <div class="va-foot">
      <span class="va-hint" title={hint}>
        {hint}
      </span>
      <span class="va-paging">
        <PreviousPage index={index} onClick={() => hits.list.previous()} />
        <span class="va-page">
          {last < first ? "no clips" : `${first}–${last} of ${count.toLocaleString("en")}`}
        </span>
        <button
          type="button"
          class="va-chip va-next"
          title={`Next page (${key})`}
          aria-disabled={(ended && index + 1 >= pages.length) || last >= count}
          onClick={() => void hits.list.next()}
        >
          next page <Key name={key} />
        </button>
      </span>
    </div>
  );
}

function hintFor(store: ExplorerStore, view: ExplorerView): string {
  const { state } = store;
  if (state.lost.value) return "Kernel lost: run this cell again.";
  if (state.busy.value) return "Kernel busy: what you asked for comes when it answers.";
  const selected = view.selected.value.length;
  if (selected > 1) return `${selected} clips selected: “Label these …” takes them alone`;
  return state.notice.value || state.catalogue.value?.note || "";
}
