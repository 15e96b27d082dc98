// The cards: all of a page, or in review a long list of which only the visible part is rendered.

import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import type { Store } from "../../annotator/store";
import type { View } from "../../annotator/view";
import type { Card } from "../../kernel/protocol";
import { CardView } from "./CardView";
import { EmptyList } from "./EmptyList";
import { cardWidth, columnsIn, pageSize, rowHeight } from "./layout";

const OVERSCAN = 2; // rows rendered above and below the visible ones
const SETTLED = 150; // ms after the last change of a size until the pages are divided anew

interface Props {
  readonly store: Store;
  readonly view: View;
  readonly grid: RefObject<HTMLDivElement>;
}

export function Grid({ store, view, grid }: Props) {
  const ids = useId();
  const { size, tab, page } = store.state.viewState.value;
  const isLong = tab === "review";
  const width = useSignal(0);
  const top = useSignal(0);
  const height = useSignal(600);
  const chosen = useRef(""); // sizes of the cards and of the pages
  const filled = useRef(0); // px: the height of the cards that were shown last

  useLayoutEffect(() => {
    const element = grid.current;
    if (!element) return;
    const measure = () => {
      if (element.clientWidth === 0) return; // hidden by the host; the observer calls again when it is shown
      width.value = element.clientWidth;
      height.value = element.clientHeight;
      view.cards.columns.value = columnsIn(element.clientWidth, size);
      void store.connection.open(pageSize(element.clientWidth, view.cards.columns.value, page));
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, [store, view, size, page, grid, width, height]);

  // A size that the user has changed holds for the open page, too.
  useEffect(() => {
    const former = chosen.current;
    chosen.current = `${size} ${page}`;
    if (!former || former === chosen.current) return;
    const timer = setTimeout(() => void store.lists.resize(view.clip.value), SETTLED);
    return () => clearTimeout(timer);
  }, [store, view, size, page]);

  const columns = view.cards.columns.value;
  const clips = store.lists.clips.value;
  const row = rowHeight(width.value || size, columns);
  const card = cardWidth(width.value || size, columns);
  const rows = Math.ceil(clips.length / columns);
  const first = isLong ? Math.max(0, Math.floor(top.value / row) - OVERSCAN) : 0;
  const last = isLong ? Math.min(rows, Math.ceil((top.value + height.value) / row) + OVERSCAN) : rows;

  // The grid itself keeps the browser's focus and names the focused card by aria-activedescendant. If a card had the
  // focus, a change of the page would remove it, and the next key would go to the notebook.
  const focus = view.cards.focus.value;
  useLayoutEffect(() => {
    const element = grid.current;
    if (!element) return;
    if (isLong) {
      const cardTop = Math.floor(focus / columns) * row;
      if (cardTop < element.scrollTop) element.scrollTop = cardTop;
      else if (cardTop + row > element.scrollTop + element.clientHeight)
        element.scrollTop = cardTop + row - element.clientHeight;
    }
    const active = (element.getRootNode() as Document | ShadowRoot).activeElement;
    if (element.closest(".va-app")?.contains(active)) {
      element.querySelector(`[data-index="${focus}"]`)?.scrollIntoView({ block: "nearest" });
    }
  }, [focus, clips, isLong, columns, row, grid]);

  useLayoutEffect(() => {
    if (grid.current) grid.current.scrollTop = 0;
    top.value = 0;
  }, [clips, grid, top]);

  // An empty list keeps the height of the one before, so that what is below the cards does not jump.
  useLayoutEffect(() => {
    if (grid.current && clips.length > 0) filled.current = grid.current.offsetHeight;
  });

  useLayoutEffect(() => {
    if (isLong) store.lists.review.load(first * columns, last * columns);
  }, [store, isLong, first, last, columns, clips]);

  const cardAt = (index: number): Card | undefined =>
    isLong
      ? store.lists.review.content.value.cards.get(clips[index] ?? "")
      : store.lists.page.value?.cards[index];
  const rendered = Array.from({ length: last - first }, (_, i) => first + i);

  return (
    <div
      ref={grid}
      class={isLong ? "va-box va-long" : "va-box"}
      role="grid"
      tabIndex={0}
      aria-multiselectable
      aria-activedescendant={clips.length > 0 ? `${ids}-${focus}` : undefined}
      aria-label={`${tab} results`}
      aria-rowcount={rows}
      aria-busy={store.lists.loading.value}
      style={clips.length === 0 && filled.current > 0 ? { minHeight: `${filled.current}px` } : undefined}
      onFocus={() => {
        view.hasKeyboard.value = true;
      }}
      onBlur={() => {
        view.hasKeyboard.value = false;
      }}
      onScroll={(event) => {
        top.value = event.currentTarget.scrollTop;
      }}
    >
      {clips.length === 0 && <EmptyList store={store} />}
      <div
        class="va-rows"
        role="presentation"
        style={isLong ? { height: `${rows * row}px`, paddingTop: `${first * row}px` } : undefined}
      >
        {rendered.map((number) => (
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
                  width={card}
                />
              );
            })}
          </div>
        ))}
      </div>
    </div>
  );
}
