// The width of the cards, and how many are on a page.

import { MAX_CARD_WIDTH, MIN_CARD_WIDTH } from "../../state/viewState";

const PAGE_SIZES = [5, 12, 24, 48, 100];

interface Props {
  readonly size: number; // px
  readonly page: number; // cards; 0: as many as fit
  readonly change: (sizes: { size?: number; page?: number }) => void;
  readonly focusGrid: () => void;
}

export function Sizes({ size, page, change, focusGrid }: Props) {
  return (
    <span class="va-sizes">
      <input
        type="range"
        class="va-size"
        aria-label="Card size"
        title="Card size"
        min={MIN_CARD_WIDTH}
        max={MAX_CARD_WIDTH}
        step={20}
        value={size}
        onInput={(event) => change({ size: Number(event.currentTarget.value) })}
      />
      <select
        class="va-select va-per-page"
        aria-label="Cards a page"
        title="Cards a page"
        value={String(page)}
        onChange={(event) => {
          change({ page: Number(event.currentTarget.value) });
          focusGrid();
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
  );
}
