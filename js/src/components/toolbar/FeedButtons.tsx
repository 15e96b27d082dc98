// The feeds, what the open one is for, and how many new clips are ready.

import type { Store } from "../../annotator/store";
import { COMMANDS, type Command, shortcut } from "../../input/keys";
import { feedName, feedPurpose } from "../../lists/feeds";

export function FeedButtons({ store }: { store: Store }) {
  const feed = store.lists.feed.value;
  const { keys } = store.state.viewState.value;
  const fresh = store.lists.feeds.fresh.value;
  const status = store.state.status.value;
  return (
    <>
      <div class="va-feeds" role="group" aria-label="Feeds">
        {status?.feeds.map((name) => {
          const labelled = status.from_feeds[name] ?? 0;
          const key = name in COMMANDS ? shortcut(name as Command, keys) : name;
          return (
            <button
              type="button"
              key={name}
              class="va-chip"
              aria-pressed={feed === name}
              title={`${feedPurpose(name)} (${key}), ${labelled} labelled from here`}
              data-feed={name}
              onClick={() => void store.navigation.openFeed(name)}
            >
              {feedName(name)} <span class="va-chip-count">{labelled || ""}</span>
            </button>
          );
        })}
      </div>
      {/* Hidden but not removed while there is nothing new, so that the buttons beside it do not move. */}
      <button
        type="button"
        class="va-chip va-fresh"
        aria-hidden={fresh === 0}
        disabled={fresh === 0}
        title="The classifier has learnt: show what it would ask now"
        onClick={() => void store.lists.next()}
      >
        {fresh} new ›
      </button>
    </>
  );
}
