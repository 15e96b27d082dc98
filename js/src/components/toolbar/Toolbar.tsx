// The toolbar: the three tabs, what can be chosen in the open one, the sizes, and help.

import type { Store } from "../../annotator/store";
import type { View } from "../../annotator/view";
import { feedPurpose } from "../../lists/feeds";
import type { Tab } from "../../state/viewState";
import { toggle } from "../toggle";
import { FeedButtons } from "./FeedButtons";
import { Publish } from "./Publish";
import { ReviewFilters } from "./ReviewFilters";
import { SearchBox } from "./SearchBox";
import { Sizes } from "./Sizes";

const TABS: readonly [Tab, string][] = [
  ["search", "Search"],
  ["feeds", "Feeds"],
  ["review", "Review"],
];

interface Props {
  readonly store: Store;
  readonly view: View;
  readonly focusGrid: () => void;
}

export function Toolbar({ store, view, focusGrid }: Props) {
  const { tab, size, page } = store.state.viewState.value;
  const { note, isWarning } = store.lists.page.value ?? {};
  return (
    <div class="va-toolbar">
      <div class="va-tabs" role="tablist" aria-label="Steps">
        {TABS.map(([name, title]) => (
          <button
            type="button"
            key={name}
            role="tab"
            class="va-tab"
            aria-selected={tab === name}
            onClick={() => void store.navigation.openTab(name)}
          >
            {title}
          </button>
        ))}
      </div>
      {/* What wraps wraps in here: the tabs and the tools stay in the first row. */}
      <div class="va-choices">
        {tab === "search" && <SearchBox store={store} focusGrid={focusGrid} />}
        {tab === "feeds" && <FeedButtons store={store} />}
        {tab === "review" && (
          <>
            <ReviewFilters store={store} focusGrid={focusGrid} />
            <span class="va-space" />
            <Publish store={store} view={view} />
          </>
        )}
      </div>
      <span class="va-tools">
        <Sizes
          size={size}
          page={page}
          change={(sizes) => store.state.updateViewState(sizes)}
          focusGrid={focusGrid}
        />
        <button
          type="button"
          class="va-quiet va-small va-help-button"
          aria-label="Keys and help"
          aria-expanded={view.helpOpen.value}
          title="Keys and help (?)"
          onClick={() => toggle(view.helpOpen)}
        >
          ?
        </button>
      </span>
      {tab === "feeds" && <p class="va-purpose">{feedPurpose(store.lists.feed.value)}</p>}
      {tab === "search" && note && (
        <p class={isWarning ? "va-search-note" : "va-purpose"} role="note">
          {note}
        </p>
      )}
    </div>
  );
}
