// The cards: a page of them as it is, or in review a long list of which only the part in sight is drawn.

import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useId, useLayoutEffect } from "preact/hooks";
import { feedName } from "../feeds";
import { columnsIn, pageOf, rowHeight } from "../place";
import type { Card } from "../protocol";
import type { Store } from "../store";
import type { View } from "../view";
import { CardView } from "./CardView";

const OVER = 2; // rows drawn above and below those in sight

interface Props {
  readonly store: Store;
  readonly view: View;
  readonly box: RefObject<HTMLDivElement>;
}

export function Grid({ store, view, box }: Props) {
  const ids = useId();
  const { size, tab, page } = store.place.value;
  const long = tab === "review";
  const width = useSignal(0);
  const top = useSignal(0);
  const height = useSignal(600);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => {
      if (element.clientWidth === 0) return; // hidden by the host; measured again when it comes back
      width.value = element.clientWidth;
      height.value = element.clientHeight;
      view.columns.value = columnsIn(element.clientWidth, size);
      const perPage = pageOf(element.clientWidth, view.columns.value, page);
      store.perPage.value = perPage;
      void store.open(perPage);
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, [store, view, size, page, box, width, height]);

  const columns = view.columns.value;
  const clips = store.clips.value;
  const row = rowHeight(width.value || size, columns);
  const rows = Math.ceil(clips.length / columns);
  const first = long ? Math.max(0, Math.floor(top.value / row) - OVER) : 0;
  const last = long ? Math.min(rows, Math.ceil((top.value + height.value) / row) + OVER) : rows;

  // The grid keeps the browser's focus and names the current card: focus on a card would be lost with the card when
  // the page changes, and the next key would go to the notebook.
  const focus = view.focus.value;
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    if (long) {
      const at = Math.floor(focus / columns) * row;
      if (at < element.scrollTop) element.scrollTop = at;
      else if (at + row > element.scrollTop + element.clientHeight)
        element.scrollTop = at + row - element.clientHeight;
    }
    const active = (element.getRootNode() as Document | ShadowRoot).activeElement;
    if (element.closest(".va-app")?.contains(active)) {
      element.querySelector(`[data-index="${focus}"]`)?.scrollIntoView({ block: "nearest" });
    }
  }, [focus, clips, long, columns, row, box]);

  useLayoutEffect(() => {
    if (box.current) box.current.scrollTop = 0;
    top.value = 0;
  }, [clips, box, top]);

  useLayoutEffect(() => {
    if (long) store.review.need(first * columns, last * columns);
  }, [store, long, first, last, columns, clips]);

  const cardAt = (index: number): Card | undefined =>
    long ? store.review.list.value.cards.get(clips[index] ?? "") : store.page.value?.cards[index];
  const drawn = Array.from({ length: last - first }, (_, i) => first + i);

  return (
    <div
      ref={box}
      class={long ? "va-box va-long" : "va-box"}
      role="grid"
      tabIndex={0}
      aria-multiselectable
      aria-activedescendant={clips.length > 0 ? `${ids}-${focus}` : undefined}
      aria-label={`${tab} results`}
      aria-rowcount={rows}
      aria-busy={store.loading.value}
      onScroll={(event) => {
        top.value = event.currentTarget.scrollTop;
      }}
    >
      {clips.length === 0 && <Nothing store={store} />}
      <div
        class="va-rows"
        role="presentation"
        style={long ? { height: `${rows * row}px`, paddingTop: `${first * row}px` } : undefined}
      >
        {drawn.map((number) => (
          // biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus and names the current card
          <div
            role="row"
            key={number}
            class="va-row"
            aria-rowindex={number + 1}
            style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}
          >
            {clips.slice(number * columns, (number + 1) * columns).map((clip, column) => {
              const index = number * columns + column;
              return (
                <CardView
                  key={clip}
                  store={store}
                  view={view}
                  clip={clip}
                  card={cardAt(index)}
                  index={index}
                  id={`${ids}-${index}`}
                />
              );
            })}
          </div>
        ))}
      </div>
    </div>
  );
}

// What to do where there is nothing to see.
function Nothing({ store }: { store: Store }) {
  const { tab, review, annotator } = store.place.value;
  const status = store.status.value;
  const say = (title: string, next: string) => (
    // biome-ignore lint/a11y/useFocusableInteractive: one cell of words
    <div role="row">
      {/* biome-ignore lint/a11y/useFocusableInteractive: one cell of words */}
      <div role="gridcell" class="va-nothing">
        <b>{title}</b>
        <span>{next}</span>
      </div>
    </div>
  );
  if (!status) return say("Waiting for the kernel …", "If it was restarted, run this cell again.");
  if (store.opening.value) return say(`Opening ${store.opening.value} …`, "");
  if (store.loading.value)
    return status.words === "loading" ? say("One moment …", status.words_note) : say("Looking …", "");
  if (tab === "search" && store.wordless.value)
    return say("Words cannot be searched now.", "Look in Feeds; or search once more to try again.");
  if (tab === "search")
    return say("Nothing found.", "Type what the clips should show, in plain words, and press Enter.");
  if (tab === "feeds")
    return status.clips > 0
      ? say(
          `Nothing is left in “${feedName(store.feed.value)}”.`,
          "Every clip has a label, or has been shown. Look your labels over in Review.",
        )
      : say("This corpus has no clips.", "Build it from a folder of videos: va.Corpus.build(…).");
  if (review !== "all" || annotator)
    return say("No such labels.", "Choose all, and everybody, to see every labelled clip.");
  return say(
    "No labels yet.",
    "Search for what you look for, and label what you see: Y yes, N no, U unsure.",
  );
}
