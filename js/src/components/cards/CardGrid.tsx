// Cards in rows: all of a page, or of a long list only those in sight.

import { useSignal } from "@preact/signals";
import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import type { CardSelection } from "../../annotator/cardSelection";
import { cardWidth, columnsIn, pageSize, rowHeight } from "./layout";

const OVERSCAN = 2; // rows rendered above and below the visible ones
const SETTLED = 150; // ms after the last change of a size until the pages are divided anew

export interface Place {
  readonly index: number;
  readonly id: string;
  readonly width: number; // px
}

interface Props {
  readonly grid: RefObject<HTMLDivElement>;
  readonly label: string; // for screen readers
  readonly clips: readonly string[];
  readonly cards: CardSelection;
  readonly size: number; // of a card, px, as the user wants it
  readonly page: number; // cards a page; 0: as many as fit
  readonly busy: boolean;
  readonly empty: ComponentChildren; // what stands where there are no cards
  readonly onSize: (perPage: number) => void; // how many cards fit; also when the grid is shown again
  readonly onResized: () => void; // the user has changed a size, and the open page has to be divided anew
  readonly onFocus: (hasKeyboard: boolean) => void;
  readonly onRange?: ((first: number, last: number) => void) | undefined; // for a long list: the cards in sight
  readonly renderCard: (clip: string, place: Place) => ComponentChildren;
}

export function CardGrid(props: Props) {
  const { grid, clips, cards, size, page, onSize, onResized, onRange } = props;
  const ids = useId();
  const isLong = onRange !== undefined;
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
      cards.columns.value = columnsIn(element.clientWidth, size);
      onSize(pageSize(element.clientWidth, cards.columns.value, page));
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, [cards, onSize, size, page, grid, width, height]);

  // A size that the user has changed holds for the open page, too.
  useEffect(() => {
    const former = chosen.current;
    chosen.current = `${size} ${page}`;
    if (!former || former === chosen.current) return;
    const timer = setTimeout(onResized, SETTLED);
    return () => clearTimeout(timer);
  }, [onResized, size, page]);

  const columns = cards.columns.value;
  const row = rowHeight(width.value || size, columns);
  const cardPixels = cardWidth(width.value || size, columns);
  const rows = Math.ceil(clips.length / columns);
  const first = isLong ? Math.max(0, Math.floor(top.value / row) - OVERSCAN) : 0;
  const last = isLong ? Math.min(rows, Math.ceil((top.value + height.value) / row) + OVERSCAN) : rows;

  // The grid itself keeps the browser's focus and names the focused card by aria-activedescendant. If a card had the
  // focus, a change of the page would remove it, and the next key would go to the notebook.
  const focus = cards.focus.value;
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
    onRange?.(first * columns, last * columns);
  }, [onRange, first, last, columns, clips]);

  const rendered = Array.from({ length: last - first }, (_, i) => first + i);

  return (
    <div
      ref={grid}
      class={isLong ? "va-box va-long" : "va-box"}
      role="grid"
      tabIndex={0}
      aria-multiselectable
      aria-activedescendant={clips.length > 0 ? `${ids}-${focus}` : undefined}
      aria-label={props.label}
      aria-rowcount={rows}
      aria-busy={props.busy}
      style={clips.length === 0 && filled.current > 0 ? { minHeight: `${filled.current}px` } : undefined}
      onFocus={() => {
        props.onFocus(true);
      }}
      onBlur={() => {
        props.onFocus(false);
      }}
      onScroll={(event) => {
        top.value = event.currentTarget.scrollTop;
      }}
    >
      {clips.length === 0 && props.empty}
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
              return props.renderCard(clip, { index, id: `${ids}-${index}`, width: cardPixels });
            })}
          </div>
        ))}
      </div>
    </div>
  );
}
