// The three steps as tabs, what can be chosen in each, card sizes and paging.

import { useEffect, useId, useRef } from "preact/hooks";
import type { ReviewOrder, ReviewValue } from "../protocol";
import type { Size, Store, Tab, View } from "../state";
import { Icon } from "./icons";

const TABS: readonly [Tab, string][] = [
  ["search", "Search"],
  ["feeds", "Feeds"],
  ["review", "Review"],
];
const FEED_NAMES: Readonly<Record<string, string>> = {
  top_positive: "top +",
  borderline: "borderline",
  random: "random",
  top_negative: "top −",
};
const SIZES: readonly [Size, string, string][] = [
  ["s", "▫", "Small cards"],
  ["m", "▭", "Middle-sized cards"],
  ["l", "▬", "Large cards"],
];
const FILTERS: readonly ReviewValue[] = ["all", "yes", "no", "unsure"];

export function Toolbar({ store, view, home }: { store: Store; view: View; home: () => void }) {
  const { tab, size } = store.place.value;
  const deck = store.deck.value;
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
            onClick={() => void store.tab(name)}
          >
            {title}
          </button>
        ))}
      </div>
      {tab === "search" && <SearchBox store={store} home={home} />}
      {tab === "feeds" && <FeedButtons store={store} />}
      {tab === "review" && <ReviewFilters store={store} />}
      <span class="va-space" />
      {tab === "feeds" && store.fresh.value && (
        <button type="button" class="va-chip va-fresh" onClick={() => void store.next()}>
          new clips ›
        </button>
      )}
      <span class="va-paging">
        <button
          type="button"
          class="va-quiet va-small"
          aria-label="Previous page"
          aria-disabled={deck.index === 0}
          onClick={() => store.previous()}
        >
          <Icon name="back" />
        </button>
        <span class="va-page" title="The page you are on">
          {deck.total === null
            ? deck.index + 1
            : `${deck.index + 1} / ${Math.max(1, Math.ceil(deck.total / store.perPage.value))}`}
        </span>
        <button
          type="button"
          class="va-quiet va-next"
          aria-disabled={deck.ended && deck.index + 1 >= deck.pages.length}
          onClick={() => view.enter()}
        >
          next page ⏎
        </button>
      </span>
      <span class="va-sizes" role="group" aria-label="Card size">
        {SIZES.map(([name, sign, title]) => (
          <button
            type="button"
            key={name}
            class="va-quiet va-small"
            aria-label={title}
            title={title}
            aria-pressed={size === name}
            onClick={() => store.size(name)}
          >
            {sign}
          </button>
        ))}
      </span>
      <button
        type="button"
        class="va-quiet va-small va-help-button"
        aria-label="Keys and help"
        title="Keys and help (?)"
        onClick={() => {
          view.help.value = !view.help.value;
        }}
      >
        ?
      </button>
    </div>
  );
}

function SearchBox({ store, home }: { store: Store; home: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  const status = store.status.value;
  const { query } = store.place.value;
  useEffect(() => {
    if (input.current) input.current.value = query;
  }, [query]);
  const list = useId();
  return (
    <form
      class="va-search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        const text = input.current?.value ?? "";
        if (!text.trim()) return;
        void store.search(text);
        home(); // the results can be labelled by keyboard at once
      }}
    >
      <Icon name="search" />
      <input
        ref={input}
        type="text"
        maxLength={500}
        list={list}
        disabled={status?.searchable === false}
        placeholder={
          status?.searchable === false ? "this corpus has no text search" : "what should the clips show?"
        }
        aria-label="Search the corpus"
        class="va-search-input"
      />
      <datalist id={list}>
        {status?.queries.map((text) => (
          <option key={text} value={text} />
        ))}
      </datalist>
      {store.looking.value && <span class="va-note">more like one clip</span>}
    </form>
  );
}

function FeedButtons({ store }: { store: Store }) {
  const { feed } = store.place.value;
  return (
    <div class="va-feeds" role="group" aria-label="Feeds">
      {store.status.value?.feeds.map((name, index) => (
        <button
          type="button"
          key={name}
          class="va-chip"
          aria-pressed={feed === name}
          title={`Key ${index + 1}`}
          data-feed={name}
          onClick={() => void store.feed(name)}
        >
          {FEED_NAMES[name] ?? name}
        </button>
      ))}
    </div>
  );
}

function ReviewFilters({ store }: { store: Store }) {
  const { review } = store.place.value;
  return (
    <div class="va-feeds" role="group" aria-label="Which labels">
      {FILTERS.map((value) => (
        <button
          type="button"
          key={value}
          class="va-chip"
          aria-pressed={review === value}
          data-filter={value}
          onClick={() => void store.review({ review: value })}
        >
          {value}
        </button>
      ))}
      <select
        class="va-order"
        aria-label="Order"
        value={store.order.value}
        onChange={(event) => void store.review({ order: event.currentTarget.value as ReviewOrder })}
      >
        <option value="suspicion">most suspicious first</option>
        <option value="newest">newest first</option>
      </select>
    </div>
  );
}
