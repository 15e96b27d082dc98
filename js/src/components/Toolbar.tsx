// The three steps as tabs, what can be chosen in each, and how large the cards are.

import { useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import { feedName, feedPurpose } from "../feeds";
import { COMMANDS, type Command, keyOf, shown } from "../keys";
import { LARGEST, SMALLEST, type Tab } from "../place";
import { LONGEST_CONCEPT, REVIEW_ORDERS, REVIEW_VALUES, type ReviewOrder } from "../protocol";
import type { Store } from "../store";
import type { View } from "../view";
import { Icon } from "./icons";

const STEPS: readonly [Tab, string][] = [
  ["search", "Search"],
  ["feeds", "Feeds"],
  ["review", "Review"],
];
const ORDERS: Readonly<Record<ReviewOrder, string>> = {
  suspicion: "most suspicious first",
  newest: "newest first",
  disagreement: "disagreement first",
};
const PAGE_SIZES = [5, 12, 24, 48, 100];

export function Toolbar({ store, view, home }: { store: Store; view: View; home: () => void }) {
  const { tab, size, page } = store.place.value;
  return (
    <div class="va-toolbar">
      <div class="va-tabs" role="tablist" aria-label="Steps">
        {STEPS.map(([name, title]) => (
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
      {tab === "review" && <ReviewFilters store={store} home={home} />}
      <span class="va-sizes">
        <input
          type="range"
          class="va-size"
          aria-label="Card size"
          title="Card size"
          min={SMALLEST}
          max={LARGEST}
          step={20}
          value={size}
          onInput={(event) => store.resize({ size: Number(event.currentTarget.value) })}
        />
        <select
          class="va-select va-per-page"
          aria-label="Cards a page"
          title="Cards a page"
          value={String(page)}
          onChange={(event) => {
            store.resize({ page: Number(event.currentTarget.value) });
            home();
          }}
        >
          <option value="0">fit</option>
          {PAGE_SIZES.map((number) => (
            <option key={number} value={String(number)}>
              {number}
            </option>
          ))}
        </select>
      </span>
      <button
        type="button"
        class="va-quiet va-small va-help-button"
        aria-label="Keys and help"
        aria-expanded={view.help.value}
        title="Keys and help (?)"
        onClick={() => {
          view.help.value = !view.help.value;
        }}
      >
        ?
      </button>
      {tab === "search" && store.page.value?.note && (
        <p class="va-search-note" role="note">
          {store.page.value.note}
        </p>
      )}
    </div>
  );
}

function SearchBox({ store, home }: { store: Store; home: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  const status = store.status.value;
  const { query } = store.place.value;
  const selection = store.selection.value;
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
        void store.find(text);
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
        class="va-input va-search-input"
      />
      <datalist id={list}>
        {status?.queries.map((text) => (
          <option key={text} value={text} />
        ))}
      </datalist>
      {selection && (
        <span class="va-note va-selection" title={selection.title}>
          {selection.title} ({selection.clips.length})
        </span>
      )}
      {store.looking.value && <span class="va-note">more like one clip</span>}
    </form>
  );
}

function FeedButtons({ store }: { store: Store }) {
  const feed = store.feed.value;
  const { keys } = store.place.value;
  const fresh = store.feeds.fresh.value;
  return (
    <>
      <div class="va-feeds" role="group" aria-label="Feeds">
        {store.status.value?.feeds.map((name) => (
          <button
            type="button"
            key={name}
            class="va-chip"
            aria-pressed={feed === name}
            title={`${feedPurpose(name)} (${name in COMMANDS ? shown(keyOf(name as Command, keys)) : name})`}
            data-feed={name}
            onClick={() => void store.openFeed(name)}
          >
            {feedName(name)}
          </button>
        ))}
      </div>
      <span class="va-purpose" title={feedPurpose(feed)}>
        {feedPurpose(feed)}
      </span>
      {/* It keeps its place while there is nothing new: the chips beside it must not move under the pointer. */}
      <button
        type="button"
        class="va-chip va-fresh"
        aria-hidden={fresh === 0}
        disabled={fresh === 0}
        title="The classifier has learnt: show what it would ask now"
        onClick={() => void store.next()}
      >
        {fresh} new ›
      </button>
    </>
  );
}

function ReviewFilters({ store, home }: { store: Store; home: () => void }) {
  const { review, order, annotator } = store.place.value;
  const known = store.annotators.value;
  const annotators = known.includes(annotator) || !annotator ? known : [...known, annotator];
  return (
    <>
      <div class="va-feeds" role="group" aria-label="Which labels">
        {REVIEW_VALUES.map((value) => (
          <button
            type="button"
            key={value}
            class="va-chip"
            aria-pressed={review === value}
            data-filter={value}
            onClick={() => void store.openReview({ review: value })}
          >
            {value}
          </button>
        ))}
      </div>
      <select
        class="va-select"
        aria-label="Order"
        value={order}
        onChange={(event) => {
          const chosen = REVIEW_ORDERS.find((known) => known === event.currentTarget.value);
          if (chosen) void store.openReview({ order: chosen });
          home();
        }}
      >
        {REVIEW_ORDERS.map((known) => (
          <option key={known} value={known}>
            {ORDERS[known]}
          </option>
        ))}
      </select>
      {(annotators.length > 1 || annotator) && (
        <select
          class="va-select va-annotator"
          aria-label="Whose labels"
          title="Whose labels"
          value={annotator}
          onChange={(event) => {
            void store.openReview({ annotator: event.currentTarget.value });
            home();
          }}
        >
          <option value="">everybody</option>
          {annotators.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      )}
      <span class="va-space" />
      <Publish store={store} />
    </>
  );
}

function Publish({ store }: { store: Store }) {
  const status = store.status.value;
  const name = useSignal("");
  const ready = (status?.counts.yes ?? 0) > 0 && (status?.counts.no ?? 0) > 0;
  return (
    <form
      class="va-publish"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) void store.publish(name.value.trim() || (status?.concept ?? ""));
      }}
    >
      <input
        type="text"
        class="va-input"
        maxLength={LONGEST_CONCEPT}
        aria-label="The model's name"
        placeholder={status?.concept ?? ""}
        title={name.value || status?.concept}
        value={name.value}
        onInput={(event) => {
          name.value = event.currentTarget.value;
        }}
      />
      <button
        type="submit"
        class="va-chip"
        disabled={!ready}
        title={
          ready
            ? "Write this classifier as a model beside the corpus"
            : "It needs at least one yes and one no"
        }
      >
        Publish
      </button>
    </form>
  );
}
